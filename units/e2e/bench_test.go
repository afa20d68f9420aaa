package e2e

import (
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/require"
)

// BenchmarkColdStart requests a page, one request at a time, in turn from this project and from a script that reads
// SCGI from its standard input, in the same unit with another command.
//
//	SOCKETGI_SUITE=trixie go test ./units/e2e -run '^$' -bench ColdStart -benchtime 200x
//
// prints the medians: of the time of a client of nginx; of the time from the connection to the socket until it is
// closed, which is the end of that script; and of the processor time of the latter, until the instance has ended.
func BenchmarkColdStart(b *testing.B) {
	b.Run("hello", func(b *testing.B) { benchColdStart(b, "article.py", "by_hand_hello.py", "Hello world!\n") })
	b.Run("flask", func(b *testing.B) { benchColdStart(b, "flaskapp.py", "by_hand_flask.py", "Flask here") })
}

func benchColdStart(b *testing.B, app, byHand, want string) {
	s := newBench(b)
	s.serve("socketgi", app, "/socketgi", "--user", "www-data")
	s.serve("peer", byHand, "/peer", "--user", "www-data")
	s.Install("testdata/by_hand.py", "/srv/by_hand.py", 0o644)
	s.Install("testdata/flaskapp.py", "/srv/flaskapp.py", 0o644)
	s.replaceCommand("peer", "/srv/"+byHand)
	s.Run("python3", "-m", "compileall", "-q", "/srv")
	// The code is cached as when an application is added.
	s.Run("/usr/local/bin/socketgi", "add", "socketgi", "/srv/"+app, "--python", "/usr/bin/python3", "--user", "www-data")
	s.oneAtATime(b, []string{"socketgi", "peer"}, "/", want)
}

// replaceCommand makes the instances of an application run another program, with the connection as standard
// input and output.
func (s *site) replaceCommand(name, command string) {
	s.t.Helper()
	file := "/etc/systemd/system/" + name + "@.service"
	s.Write(file, regexp.MustCompile(`(?m)^ExecStart=.*$`).ReplaceAllLiteralString(s.Run("cat", file),
		"ExecStart="+command+"\nStandardInput=socket\nStandardError=journal"))
	s.Run("systemctl", "daemon-reload")
}

// oneAtATime requests a page of each application in turn, and prints the figures.
func (s *site) oneAtATime(b *testing.B, names []string, path, want string) {
	for _, name := range names {
		s.apart(name)
	}
	s.quietNginx()
	request, err := scgi.AppendRequest(nil, 0, []scgi.Header{{Name: "REQUEST_METHOD", Value: "GET"},
		{Name: "PATH_INFO", Value: path}, {Name: "SERVER_NAME", Value: "localhost"}, {Name: "SERVER_PORT", Value: "80"},
		{Name: "SERVER_PROTOCOL", Value: "HTTP/1.1"}, {Name: "HTTP_HOST", Value: "localhost"}, {Name: "QUERY_STRING", Value: ""}})
	require.NoError(b, err)
	var f figures
	round := func(f *figures) {
		for _, name := range names {
			s.quiet()
			start := time.Now()
			got := s.get("/" + name + path)
			f.add(name, "page, ms", ms(time.Since(start)))
			require.Equal(b, 200, got.StatusCode, got.body)
			require.Equal(b, want, got.body)
			s.count(f, name, func() { f.add(name, "socket, ms", ms(s.timeSocket(name, request, want))) })
		}
	}
	for range 5 {
		round(&figures{}) // the first ones fill caches
	}
	f.names = slices.Clone(names)
	for b.Loop() {
		round(&f)
		slices.Reverse(names)
	}
	f.print(b, s, "")
}

// timeSocket sends a request to an application's socket, and returns the time until the connection was
// closed.
func (s *site) timeSocket(name string, request []byte, want string) time.Duration {
	s.t.Helper()
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
