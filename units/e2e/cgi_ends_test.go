package e2e

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// under waits until a process with these arguments runs on the machine.
func (s *site) under(args string) {
	s.t.Helper()
	s.Wait(args+" to be under way", func() error { _, err := s.Try("pgrep", "-fx", args); return err })
}

// TestCGIClientLeaves closes the connection before a program's first byte and after it. No process of its
// group is left.
func TestCGIClientLeaves(t *testing.T) {
	s := newSite(t)
	begin := "printf 'Content-Type: text/plain\\nX-Accel-Buffering: no\\n\\nbegun\\n'\n"
	s.script("/srv/cgi/silent", "sleep 1001 & wait")
	s.script("/srv/cgi/begun", begin+"sleep 1001 & wait")
	s.script("/srv/cgi/writing", begin+"sleep 1001 & yes")
	s.script("/srv/cgi/deaf", "trap '' TERM PIPE\n"+begin+"sleep 1001 & while :; do wait; done")
	for _, p := range []program{{name: "yes"}, {name: "no", accept: "no"}, {name: "tcp", accept: "no", listen: "127.0.0.1:9001"}} {
		p.flags, p.run = []string{"--user", "www-data"}, []string{"--cgi-root", "/srv/cgi"}
		s.serveCGI(p)
		for _, path := range []string{"silent", "begun", "writing", "deaf"} {
			if path == "deaf" && p.name == "tcp" {
				continue // it takes a second
			}
			t.Run(p.name+"/"+path, func(t *testing.T) {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				req, err := http.NewRequestWithContext(ctx, "GET", "http://localhost/"+p.name+"/"+path, nil)
				require.NoError(t, err)
				answer := make(chan error)
				go func() {
					resp, err := s.client.Do(req)
					if err == nil {
						_, err = resp.Body.Read(make([]byte, 6))
						defer resp.Body.Close()
					}
					answer <- err
					<-ctx.Done()
				}()
				s.under("sleep 1001")
				if path != "silent" {
					require.NoError(t, <-answer)
				}
				cancel()
				if path == "silent" {
					require.Error(t, <-answer)
				}
				s.logged(p.units(), map[string]string{"SOCKETGI_PATH": "/" + p.name + "/" + path, "SOCKETGI_STATUS": "499"})
				s.noneLeft(p)
			})
		}
	}
}

// TestCGIBackground has programs leave processes that keep the output open. The response ends with the
// program, and so do the processes.
func TestCGIBackground(t *testing.T) {
	s := newSite(t)
	begin := "printf 'Content-Type: text/plain\\n\\nall of it\\n'\n"
	s.script("/srv/cgi/open", begin+"sleep 1002 &")
	s.script("/srv/cgi/quiet", begin+"sleep 1002 >/dev/null 2>&1 </dev/null &")
	s.script("/srv/cgi/going-on", begin+"(sleep 0.01; echo a moment later; sleep 1002) &")
	s.script("/srv/cgi/away", begin+"setsid sleep 1002 &")
	for _, mode := range modes {
		p := program{name: mode, accept: mode, flags: []string{"--user", "www-data"}, run: []string{"--cgi-root", "/srv/cgi"}}
		s.serveCGI(p)
		for path, want := range map[string]string{"open": "", "quiet": "", "going-on": "a moment later\n", "away": ""} {
			t.Run(mode+"/"+path, func(t *testing.T) {
				got := s.get("/" + mode + "/" + path)
				assert.NoError(t, got.err)
				assert.Equal(t, "all of it\n"+want, got.body)
				if path == "away" && mode == "no" {
					// The request is unknown until the adapter exits.
					s.Run("systemctl", "stop", p.service())
				}
				s.noneLeft(p)
				_, err := s.Try("pgrep", "-fx", "sleep 1002")
				assert.Error(t, err, "it is gone")
			})
		}
	}
}

// TestCGIStopped stops an instance while its program runs.
func TestCGIStopped(t *testing.T) {
	s := newSite(t)
	s.script("/srv/cgi/silent", "sleep 1003 & wait")
	p := program{name: "yes", flags: []string{"--user", "www-data"}, run: []string{"--cgi-root", "/srv/cgi"}}
	s.serveCGI(p)
	answer := make(chan reply)
	go func() { answer <- s.get("/yes/silent") }()
	s.under("sleep 1003")
	s.Run("systemctl", "stop", p.units())
	got := <-answer
	assert.Equal(t, 503, got.StatusCode)
	assert.Equal(t, "5", got.Header.Get("Retry-After"))
	s.noneLeft(p)
}
