package e2e

import (
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/units/internal/machine"
	"github.com/stretchr/testify/require"
)

// BenchmarkColdStart asks for a page, one request at a time, in turn from this
// project and from the way of 2011: a script that reads SCGI from its standard
// input by itself, under the same unit but for the command.
//
//	go test ./units/e2e -run '^$' -bench ColdStart -benchtime 200x
//
// reports the medians and their ratio: of the page as a client of nginx has it, and of
// the connection to the socket until it is closed, which is when the process of 2011
// has ended.
func BenchmarkColdStart(b *testing.B) {
	b.Run("hello", func(b *testing.B) { benchColdStart(b, "article.py", "by_hand_hello.py", "Hello world!\n") })
	b.Run("flask", func(b *testing.B) { benchColdStart(b, "flaskapp.py", "by_hand_flask.py", "Flask here") })
}

func benchColdStart(b *testing.B, app, byHand, want string) {
	s := newSite(b)
	s.serve("now", app, "/now", "--user", "www-data")
	s.serve("then", byHand, "/then", "--user", "www-data")
	s.Install("testdata/by_hand.py", "/srv/by_hand.py", 0o644)
	s.Install("testdata/flaskapp.py", "/srv/flaskapp.py", 0o644)
	unit := s.Run("cat", "/etc/systemd/system/then@.service")
	unit = regexp.MustCompile(`(?m)^ExecStart=.*$`).ReplaceAllString(unit,
		"ExecStart=/srv/"+byHand+"\nStandardInput=socket\nStandardError=journal")
	s.Write("/etc/systemd/system/then@.service", unit)
	s.Run("python3", "-m", "compileall", "-q", "/srv")
	s.Run("systemctl", "daemon-reload")
	// With the code that is cached when an application is added.
	s.Run("/usr/local/bin/socketgi", "add", "now", "/srv/"+app, "--python", "/usr/bin/python3", "--user", "www-data")

	nginx := func(name string) time.Duration {
		quiet(s.Machine)
		start := time.Now()
		got := s.get("/" + name + "/")
		took := time.Since(start)
		require.Equal(b, 200, got.StatusCode)
		require.Equal(b, want, got.body)
		return took
	}
	request, err := scgi.AppendRequest(nil, 0, []scgi.Header{{Name: "REQUEST_METHOD", Value: "GET"},
		{Name: "PATH_INFO", Value: "/"}, {Name: "SERVER_NAME", Value: "localhost"}, {Name: "SERVER_PORT", Value: "80"},
		{Name: "SERVER_PROTOCOL", Value: "HTTP/1.1"}, {Name: "HTTP_HOST", Value: "localhost"}, {Name: "QUERY_STRING", Value: ""}})
	require.NoError(b, err)
	socket := func(name string) time.Duration { return s.timeSocket(name, request, want) }
	took := map[string][]time.Duration{}
	b.ResetTimer()
	for i := range b.N + 5 {
		names := []string{"now", "then"}
		if i%2 == 1 {
			slices.Reverse(names)
		}
		for _, name := range names {
			n, s := nginx(name), socket(name)
			if i >= 5 { // the first ones fill caches
				took["nginx-"+name], took["socket-"+name] = append(took["nginx-"+name], n), append(took["socket-"+name], s)
			}
		}
	}
	b.StopTimer()
	for _, way := range []string{"nginx", "socket"} {
		now, then := median(took[way+"-now"]), median(took[way+"-then"])
		b.ReportMetric(float64(now.Microseconds())/1000, way+"-ms")
		b.ReportMetric(float64(then.Microseconds())/1000, way+"-ms-2011")
		b.ReportMetric(float64(now)/float64(then), way+"-ratio")
	}
	b.ReportMetric(0, "ns/op")
}

// quiet waits until no instance is left.
func quiet(m *machine.Machine) {
	slice := m.Path("/sys/fs/cgroup/systemd/system.slice")
	if _, err := os.Stat(slice); err != nil {
		slice = m.Path("/sys/fs/cgroup/system.slice") // without the hierarchies of version 1
	}
	m.Wait("the instance to end", func() error {
		entries, err := os.ReadDir(slice)
		for _, e := range entries {
			if strings.Contains(e.Name(), "@") {
				return fmt.Errorf("%s is left", e.Name())
			}
		}
		return err
	})
}

func median(d []time.Duration) time.Duration {
	d = slices.Clone(d)
	slices.Sort(d)
	return d[len(d)/2]
}

// quiet waits until no instance is left: a request is asked for when nothing of the one
// before goes on.
func (s *site) quiet() {
	s.t.Helper()
	s.Wait("the instance to end", func() error {
		entries, err := os.ReadDir(s.Path("/sys/fs/cgroup/systemd/system.slice"))
		for _, e := range entries {
			if strings.Contains(e.Name(), "@") {
				return fmt.Errorf("%s is left", e.Name())
			}
		}
		return err
	})
}

// timeSocket asks an application at its socket, and returns how long it took until the
// connection was closed.
func (s *site) timeSocket(name string, request []byte, want string) time.Duration {
	s.t.Helper()
	s.quiet()
	start := time.Now()
	c, err := net.Dial("unix", s.Path("/run/socketgi/"+name+".sock"))
	require.NoError(s.t, err)
	defer c.Close()
	_, err = c.Write(request)
	require.NoError(s.t, err)
	answer, err := io.ReadAll(c)
	took := time.Since(start)
	require.NoError(s.t, err)
	require.True(s.t, strings.HasSuffix(string(answer), want), "%s", answer)
	return took
}
