package main

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const sender = `
def application(environ, start_response):
    write = start_response('200 OK', [])
    kind = environ['PATH_INFO']
    if kind == '/swallowed':
        for _ in range(1000):
            try:
                write(b'x' * 100000)
            except Exception:
                pass
        return []
    if kind == '/file':
        return environ['wsgi.file_wrapper'](open('DIR/big', 'rb'))
    if kind == '/caught':
        return caught()
    if kind == '/small':
        return [b'small']
    return [b'x' * (8 << 20)] if kind == '/large' else (b'x' * 1000 for _ in range(8 << 10))

def caught():
    for _ in range(1000):
        try:
            yield b'x' * 100000
        except Exception:
            pass
`

// senders are applications whose response is larger than a socket holds, flags before.
func senders(t *testing.T, flags ...string) map[string]func() (a *invocation, path string) {
	app := program(t, sender)
	f, err := os.Create(filepath.Join(filepath.Dir(app), "big"))
	require.NoError(t, err)
	require.NoError(t, f.Truncate(8<<20))
	require.NoError(t, f.Close())
	all := map[string]func() (*invocation, string){
		"WSGI/large fresh": func() (*invocation, string) {
			return &invocation{t: t, args: append([]string{"--max-requests", "1"}, append(flags, app)...), listens: true}, "/large"
		},
	}
	for _, listens := range []bool{false, true} {
		way := map[bool]string{false: " yes", true: " no"}[listens]
		for _, path := range []string{"/file", "/caught", "/swallowed", "/large", "/pieces"} {
			all["WSGI"+path+way] = func() (*invocation, string) {
				return &invocation{t: t, args: append(flags, app), listens: listens}, path
			}
		}
		for name, program := range map[string]string{"spliced": "head -c 8000000 /dev/zero", "written": "printf 'Content-Length: 8000000\n\n'; head -c 8000000 /dev/zero"} {
			head := "echo Content-Type: a/b; "
			if name == "spliced" {
				head += "echo; "
			}
			all["CGI "+name+way] = func() (*invocation, string) {
				a := script(t, head+program, flags...)
				a.listens = listens
				return a, "/"
			}
		}
	}
	return all
}

// TestStalled: a web server that reads nothing of a response is cut off after
// --send-timeout, however long the application may take, and the next one is served.
func TestStalled(t *testing.T) {
	t.Parallel()
	for name, start := range senders(t, "--send-timeout", "300ms", "--timeout", "5m") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, path := start()
			a.t = t
			conn, logged := a.connect()
			defer conn.Close()
			_, err := conn.Write(wire(t, "GET", path))
			require.NoError(t, err)
			log := logged()
			assert.Contains(t, log, "has read nothing of the response for ")
			assert.Contains(t, log, "GET "+path+" 499 ")
			_, err = io.Copy(io.Discard, conn)
			assert.Error(t, err, "the response doesn't look complete")
			if a.listens && strings.HasPrefix(name, "WSGI") {
				assert.Equal(t, "small", a.get("/small").body)
			}
		})
	}
}

// TestSlowReader: a slow reader gets the complete response, even after a long time.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	for name, start := range senders(t, "--send-timeout", "4s") {
		if !strings.HasSuffix(name, "yes") || strings.HasPrefix(name, "WSGI/caught") || strings.HasPrefix(name, "WSGI/swallowed") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, path := start()
			a.t = t
			conn, logged := a.connect()
			defer conn.Close()
			_, err := conn.Write(wire(t, "GET", path))
			require.NoError(t, err)
			got := int64(0)
			for began := time.Now(); time.Since(began) < 5*time.Second; {
				n, err := io.CopyN(io.Discard, conn, 300_000)
				require.NoError(t, err)
				got += n
				time.Sleep(500 * time.Millisecond) // it is what is tested
			}
			n, err := io.Copy(io.Discard, conn)
			require.NoError(t, err)
			assert.GreaterOrEqual(t, got+n, int64(8_000_000))
			conn.Close()
			assert.Contains(t, logged(), "GET "+path+" 200 ")
		})
	}
}

// TestStalledTCP: the kernel tells the progress of a send on TCP otherwise.
func TestStalledTCP(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	for name, start := range senders(t, "--send-timeout", "300ms", "--timeout", "5m") {
		if a, path := start(); !a.listens {
			t.Run(name, func(t *testing.T) {
				a.t = t
				ours, err := net.Dial("tcp", l.Addr().String())
				require.NoError(t, err)
				defer ours.Close()
				c, err := l.Accept()
				require.NoError(t, err)
				theirs, err := c.(*net.TCPConn).File()
				require.NoError(t, err)
				c.Close()
				p := a.startFile(theirs)
				theirs.Close()
				_, err = ours.Write(wire(t, "GET", path))
				require.NoError(t, err)
				log := p.wait(t)
				assert.Contains(t, log, "has read nothing of the response for ")
				assert.Contains(t, log, "GET "+path+" 499 ")
			})
		}
	}
}
