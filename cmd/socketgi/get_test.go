package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi/scgihttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withApplication is a command of the tests: "with-application SOCKET COMMAND..." runs a
// command while an application listens at the socket.
func withApplication() {
	_ = os.Remove(os.Args[1])
	l, err := net.Listen("unix", os.Args[1])
	if err != nil {
		panic(err)
	}
	go func() { panic(scgihttp.Serve(l, http.HandlerFunc(tell))) }()
	cmd := exec.Command(os.Args[2], os.Args[3:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	_ = cmd.Run()
	os.Exit(cmd.ProcessState.ExitCode())
}

// tell answers with what it was asked.
func tell(w http.ResponseWriter, r *http.Request) {
	env := scgihttp.ProcessEnv(r)
	switch r.URL.Path {
	case "/teapot", "/hello/teapot":
		w.Header().Set("X-Evil", "\u202etitle")
		w.WriteHeader(http.StatusTeapot)
	case "/cut":
		w.Header().Set("Content-Length", "100")
	}
	fmt.Fprintf(w, "%s %s host=%s from=%s id=%t\n", r.Method, r.RequestURI, r.Host, r.RemoteAddr, len(env["UNIQUE_ID"]) == 32)
	var names []string
	for name := range r.Header {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Fprintf(w, "%s: %q\n", name, r.Header[name])
	}
	_, _ = io.Copy(w, r.Body)
}

// TestGetStreams sees the first part of a response before there is a second.
func TestGetStreams(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	more := make(chan struct{})
	go func() {
		_ = scgihttp.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "one")
			_ = http.NewResponseController(w).Flush()
			<-more
			_, _ = io.WriteString(w, "two")
		}))
	}()
	for _, flags := range [][]string{nil, {"--raw"}} {
		cmd := exec.Command("socketgi", append([]string{"get", "--listen", socket, "/"}, flags...)...)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		var all []byte
		for len(all) < 3 || string(all[len(all)-3:]) != "one" {
			b := make([]byte, 1)
			_, err := io.ReadFull(out, b)
			require.NoError(t, err, "%s", all)
			all = append(all, b...)
		}
		more <- struct{}{}
		rest, err := io.ReadAll(out)
		require.NoError(t, err)
		assert.Equal(t, "two", string(rest))
		assert.NoError(t, cmd.Wait())
	}
}

// TestGetInterrupted ends a request that gets no answer by Ctrl-C, and by its timeout.
func TestGetInterrupted(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	for _, flags := range [][]string{{"--timeout", "0"}, {"--timeout", "0", "--raw"}, {"--timeout", "50ms"}, {"--timeout", "50ms", "--raw"}} {
		cmd := exec.Command("socketgi", append([]string{"get", "--listen", socket, "/"}, flags...)...)
		said, err := cmd.StderrPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		c, err := l.Accept()
		require.NoError(t, err)
		want := "socketgi: no data for 50ms: read the application's log; or use a longer --timeout\n"
		if flags[1] == "0" {
			_, err = c.Read(make([]byte, 1)) // it is waiting now
			require.NoError(t, err)
			require.NoError(t, cmd.Process.Signal(os.Interrupt))
			want = "socketgi: interrupted before the response was complete\n"
		}
		start := time.Now()
		text, err := io.ReadAll(said)
		require.NoError(t, err)
		assert.Equal(t, want, string(text), "%v", flags)
		assert.Error(t, cmd.Wait())
		assert.Less(t, time.Since(start), 60*time.Second)
		c.Close()
	}
}

// TestGetNoResponse has an application that closes the connection, or sends nonsense.
func TestGetNoResponse(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	for _, c := range []struct{ answer, flag, out, err string }{
		{"", "", "", "socketgi: the connection was closed without a response: read the application's log\n"},
		{"", "--raw", "", "socketgi: the connection was closed without a response: read the application's log\n"},
		{"Traceback\nmore", "--raw", "Traceback\nmore", "socketgi: scgi: the response head is malformed"},
		{"Status: 200 OK\r\nContent-Length: 9\r\n\r\nhello", "", "hello", "socketgi: the response is incomplete: the connection was reset: read the application's log\n"},
	} {
		go func() {
			conn, err := l.Accept()
			if err == nil {
				_, _ = conn.Read(make([]byte, 4096))
				_, _ = io.WriteString(conn, c.answer)
				conn.Close()
			}
		}()
		cmd := exec.Command("socketgi", "get", "--listen", socket, "/")
		if c.flag != "" {
			cmd.Args = append(cmd.Args, c.flag)
		}
		var said writer
		cmd.Stderr = &said
		out, err := cmd.Output()
		assert.Error(t, err)
		assert.Equal(t, c.out, string(out))
		assert.Contains(t, string(said), c.err)
	}
}

type writer []byte

func (w *writer) Write(p []byte) (int, error) { *w = append(*w, p...); return len(p), nil }
