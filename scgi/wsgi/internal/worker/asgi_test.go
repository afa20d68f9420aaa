package worker

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/internal/child"
	"github.com/socketgi/socketgi/scgi/outcome"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// This file holds ASGI applications to the specifications of HTTP and of the lifespan
// (https://asgi.readthedocs.io/en/latest/specs/): each row is named by a sentence of them.

// asgi is an ASGI application in a file of its own, and the interpreters that it is tried with.
type asgi struct {
	t       *testing.T
	python  string
	app     App
	dir     string
	log     *os.File
	said    string // the interface
	timeout time.Duration
	// patience is how long a client may read nothing.
	patience time.Duration
}

// asgiPythons are the paths of the interpreters, of which a name in PATH may be that of a script.
var asgiPythons = sync.OnceValue(func() (paths []string) {
	for _, name := range lanePythons(&testing.T{}) {
		if out, err := exec.Command(name, "-c", "import sys; print(sys.executable)").Output(); err == nil {
			paths = append(paths, strings.TrimSpace(string(out)))
		}
	}
	return paths
})

// eachASGI runs a test with the first interpreter, or with all that SOCKETGI_PYTHONS names.
func eachASGI(t *testing.T, source string, test func(a *asgi)) {
	t.Parallel()
	paths := asgiPythons()
	if os.Getenv("SOCKETGI_PYTHONS") == "" {
		paths = paths[:1]
	}
	eachPython(t, paths, source, test)
}

// eachPython runs a test with each of the interpreters.
func eachPython(t *testing.T, paths []string, source string, test func(a *asgi)) {
	for _, path := range paths {
		t.Run(strings.ReplaceAll(strings.Trim(path, "/"), "/", "_"), func(t *testing.T) { test(newASGI(t, path, source)) })
	}
}

// newASGI has an application in a folder of its own. Its source is the body of app for HTTP, unless it begins in the
// first column of the first line.
func newASGI(t *testing.T, python, source string) *asgi {
	a := &asgi{t: t, python: python, dir: t.TempDir(), timeout: time.Minute, patience: time.Minute}
	if strings.TrimLeft(source, " \n") != source {
		source = "import asyncio, os, sys\nasync def app(scope, receive, send):\n    assert scope['type'] == 'http'\n" + source + "\n"
	}
	a.app = App{File: filepath.Join(a.dir, "app.py")}
	require.NoError(t, os.WriteFile(a.app.File, []byte(source), 0o600))
	var err error
	a.log, err = os.OpenFile(filepath.Join(a.dir, "log"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	require.NoError(t, err)
	t.Cleanup(func() { a.log.Close() })
	return a
}

func (a *asgi) config() *Config {
	return &Config{App: a.app, Python: a.python, Env: append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1"), Stderr: int(a.log.Fd()), CacheDir: a.dir, Interface: a.said}
}

// row runs a part of a test.
func (a *asgi) row(name string, test func(a *asgi)) {
	a.t.Run(name, func(t *testing.T) {
		part := *a
		part.t = t
		test(&part)
	})
}

// logged is what the application has printed.
func (a *asgi) logged() string {
	text, err := os.ReadFile(a.log.Name())
	require.NoError(a.t, err)
	return string(text)
}

// variables are those of a GET of /, with others over them: NAME=VALUE.
func variables(others ...string) (params []scgi.Header) {
	values := map[string]string{}
	names := []string{}
	for _, v := range append([]string{"CONTENT_LENGTH=0", "REQUEST_METHOD=GET", "SCRIPT_NAME=", "PATH_INFO=/", "QUERY_STRING=",
		"SERVER_NAME=localhost", "SERVER_PORT=80", "SERVER_PROTOCOL=HTTP/1.1"}, others...) {
		name, value, _ := strings.Cut(v, "=")
		if _, known := values[name]; !known {
			names = append(names, name)
		}
		values[name] = value
	}
	for _, name := range names {
		params = append(params, scgi.Header{Name: name, Value: values[name]})
	}
	return params
}

// answer is what came of a request.
type answer struct {
	outcome.Result
	sent  string // on the connection
	usage outcome.Usage
}

// ask has a process of its own serve a request. client is the web server's end of the connection; nil: it reads to the end.
// over is closed when the response is.
func (a *asgi) ask(params []scgi.Header, body string, client func(conn *os.File), over ...chan struct{}) answer {
	child.AdoptOrphans()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(a.t, err)
	conn := os.NewFile(uintptr(pair[0]), "web server")
	var sent string
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer conn.Close()
		if client != nil {
			client(conn)
			return
		}
		all, _ := io.ReadAll(conn)
		sent = string(all)
	}()
	w, err := Start(a.config())
	require.NoError(a.t, err)
	var ans answer
	ans.Result = w.Serve(params, scgi.Body{Data: []byte(body)}, pair[1], a.timeout, a.patience)
	unix.Close(pair[1])
	for _, c := range over {
		close(c)
	}
	ans.usage = w.Wait(time.Now().Add(a.timeout))
	w.Close()
	<-read
	ans.sent = sent
	return ans
}

// get asks for / and returns what was sent, which is whole.
func (a *asgi) get() string {
	ans := a.ask(variables(), "", nil)
	require.Nil(a.t, ans.Problem, "%v", ans.Problem)
	assert.Equal(a.t, outcome.Whole, ans.End)
	return ans.sent
}

// shutWrite has a client send nothing more.
func shutWrite(conn *os.File) error { return unix.Shutdown(int(conn.Fd()), unix.SHUT_WR) }

const startASGI = "\n    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-type', b'text/plain')]})"

const helloASGI = startASGI + "\n    await send({'type': 'http.response.body', 'body': b'hello'})\n"

func TestASGIHello(t *testing.T) {
	t.Parallel()
	eachPython(t, asgiPythons(), helloASGI, func(a *asgi) {
		assert.Equal(a.t, "Status: 200 OK\r\ncontent-type: text/plain\r\nContent-Length: 5\r\n\r\nhello", a.get())
		assert.Empty(a.t, a.logged())
	})
}
