package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// load sends GET and POST requests all the time.
type load struct {
	client *http.Client
	over   chan struct{}
	once   sync.Once
	all    sync.WaitGroup

	mu    sync.Mutex
	n     int
	gets  int
	lost  []string       // the errors of GETs
	posts map[string]int // the status of each POST
}

// load starts the load. It has three clients, and each machine four slots: however slow a machine is, the
// load alone doesn't fill it.
func (c *cluster) load() *load {
	l := &load{client: c.client, over: make(chan struct{}), posts: map[string]int{}}
	for _, method := range []string{"GET", "GET", "POST"} {
		l.do(func() {
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-l.over:
					return
				case <-tick.C:
					<-l.start(method, "/?load-")
				}
			}
		})
	}
	return l
}

func (l *load) do(f func()) {
	l.all.Add(1)
	go func() {
		defer l.all.Done()
		f()
	}()
}

// end waits until all requests are answered.
func (l *load) end() {
	l.once.Do(func() { close(l.over) })
	l.all.Wait()
}

// begin sends requests one after the other until a machine has begun one, and holds it.
func (l *load) begin(c *cluster, method string, p *peer) {
	c.t.Helper()
	var ended <-chan struct{}
	c.Wait("a "+method+" to have begun", func() error {
		if slices.ContainsFunc(p.noted(), func(s string) bool { return strings.HasPrefix(s, method+" load-slow-") }) {
			return nil
		}
		if ended == nil {
			ended = l.start(method, "/slow?load-slow-")
		}
		select {
		case <-ended: // another machine got it
			ended = nil
		default:
		}
		return errors.New("none has")
	})
}

// start sends a request with a unique name, and records its result.
func (l *load) start(method, prefix string) (ended <-chan struct{}) {
	done := make(chan struct{})
	l.mu.Lock()
	l.n++
	path := fmt.Sprint(prefix, l.n)
	l.mu.Unlock()
	_, name, _ := strings.Cut(path, "?")
	l.do(func() {
		defer close(done)
		status, err := l.ask(method, path, name)
		// A 503 with Retry-After promises that nothing was done (RFC 9110, 15.6.4), so the client repeats the
		// request.
		for ; status == 503 && method == "POST" && err == nil; status, err = l.ask(method, path, name) {
			time.Sleep(50 * time.Millisecond)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		switch {
		case method == "POST":
			l.posts[name] = status
		case err != nil || status != 200:
			l.lost = append(l.lost, fmt.Sprint(path, ": ", status, " ", err))
			fallthrough
		default:
			l.gets++
		}
	})
	return done
}

// ask returns the status of a response, 503 only with Retry-After.
func (l *load) ask(method, path, name string) (status int, err error) {
	req, err := http.NewRequest(method, "http://localhost"+path, strings.NewReader(map[string]string{"POST": "order"}[method]))
	if err != nil {
		return 0, err
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return resp.StatusCode, err
	case resp.StatusCode == 503 && resp.Header.Get("Retry-After") == "":
		return 0, fmt.Errorf("503 without Retry-After: %s", body)
	case resp.StatusCode == 200 && string(body) != name:
		return 0, fmt.Errorf("the answer is %q", body)
	}
	return resp.StatusCode, nil
}
