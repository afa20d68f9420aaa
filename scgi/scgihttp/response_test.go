package scgihttp

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestResponse(t *testing.T) {
	big := strings.Repeat("x", bodySize+1)
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		method  string
		want    string
	}{
		{"nothing", func(http.ResponseWriter, *http.Request) {}, "GET",
			"Status: 200 OK\r\nContent-Length: 0\r\n\r\n"},
		{"small", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<html>")
			_, _ = w.Write([]byte("hello"))
		}, "GET", "Status: 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 11\r\n\r\n<html>hello"},
		{"large", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(big)) }, "GET",
			"Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + big},
		{"large string, in parts", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, big[:100])
			_, _ = io.WriteString(w, big[100:])
		}, "GET", "Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + big},
		{"large with a length", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "16385")
			w.Header()["Content-Type"] = nil
			_, _ = w.Write([]byte(big))
		}, "GET", "Status: 200 OK\r\nContent-Length: 16385\r\n\r\n" + big},
		{"status, header", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("X-B", "1")
			w.Header().Add("X-B", "2")
			w.Header().Set("X-A", " a ")
			w.WriteHeader(404)
			w.Header().Set("X-Late", "x")
		}, "GET", "Status: 404 Not Found\r\nX-A: a\r\nX-B: 1\r\nX-B: 2\r\nContent-Length: 0\r\n\r\n"},
		{"unknown status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(299) }, "GET",
			"Status: 299 status code 299\r\nContent-Length: 0\r\n\r\n"},
		{"dangerous", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/a\r\nSet-Cookie: b\x00c")
			w.Header()["Bad Name\r\n"] = []string{"x"}
			w.Header()[""] = []string{"x"}
			w.WriteHeader(302)
		}, "GET", "Status: 302 Found\r\nLocation: /a  Set-Cookie: b c\r\nContent-Length: 0\r\n\r\n"},
		{"hop by hop", func(w http.ResponseWriter, _ *http.Request) {
			for _, name := range []string{"Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade", "Trailer", "TE", "Proxy-Connection", "Status", "X-Named"} {
				w.Header().Set(name, "x-named, close")
			}
			w.Header().Set(http.TrailerPrefix+"X", "y")
		}, "GET", "Status: 200 OK\r\nContent-Length: 0\r\n\r\n"},
		{"informational", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusSwitchingProtocols)
			w.WriteHeader(http.StatusCreated)
		}, "GET", "Status: 201 Created\r\nContent-Length: 0\r\n\r\n"},
		{"no content", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			w.WriteHeader(204)
			_, err := io.WriteString(w, "hello")
			assert.Equal(t, http.ErrBodyNotAllowed, err)
		}, "GET", "Status: 204 No Content\r\n\r\n"},
		{"not modified", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "a/b")
			w.Header().Set("Etag", `"e"`)
			w.WriteHeader(304)
			_, err := io.Copy(w, strings.NewReader("hello"))
			assert.Equal(t, http.ErrBodyNotAllowed, err)
		}, "GET", "Status: 304 Not Modified\r\nEtag: \"e\"\r\n\r\n"},
		{"HEAD", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }, "HEAD",
			"Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\n"},
		{"HEAD, nothing", func(http.ResponseWriter, *http.Request) {}, "HEAD", "Status: 200 OK\r\n\r\n"},
		{"HEAD, large", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, big)
			_, _ = io.WriteString(w, big)
		}, "HEAD",
			"Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"},
		{"HEAD, length only", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "7") }, "HEAD",
			"Status: 200 OK\r\nContent-Length: 7\r\n\r\n"},
		{"encoded", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "zip")
		}, "GET", "Status: 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nzip"},
		{"wrong length", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "many")
			_, _ = io.WriteString(w, "hello")
		}, "GET", "Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello"},
		{"too much", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			n, err := io.WriteString(w, "hello")
			assert.Equal(t, 5, n)
			assert.NoError(t, err)
			n, err = io.WriteString(w, "!")
			assert.Zero(t, n)
			assert.Equal(t, http.ErrContentLength, err)
		}, "GET", "Status: 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhello"},
		{"panic", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "not all")
			panic("secret")
		}, "GET", "Status: 500 Internal Server Error\r\nContent-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n" +
			"Content-Length: 24\r\n\r\nThe application failed.\n"},
		{"panic, HEAD", func(http.ResponseWriter, *http.Request) { panic(errTest) }, "HEAD",
			"Status: 500 Internal Server Error\r\nContent-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nContent-Length: 24\r\n\r\n"},
		{"invalid status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(1000) }, "HEAD",
			"Status: 500 Internal Server Error\r\nContent-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nContent-Length: 24\r\n\r\n"},
		{"goroutine ended", func(http.ResponseWriter, *http.Request) { runtime.Goexit() }, "HEAD",
			"Status: 500 Internal Server Error\r\nContent-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nContent-Length: 24\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, network := range []string{"unix", "tcp"} {
				s := start(t, network, &Server{}, c.handler)
				assert.Equal(t, c.want, s.get("REQUEST_METHOD", c.method))
				assert.Equal(t, strings.HasPrefix(c.name, "panic"), strings.Contains(s.log.String(), "panic serving GET / for") ||
					strings.Contains(s.log.String(), "panic serving HEAD / for") && c.name == "panic, HEAD", s.log)
			}
		})
	}
}

// TestCut checks that incomplete responses end with a reset.
func TestCut(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		has     string
		logged  string
	}{
		{"panic after the head", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "some")
			assert.NoError(t, http.NewResponseController(w).Flush())
			panic("told to the log")
		}, "some", "told to the log"},
		{"aborted after the head", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "some")
			assert.NoError(t, http.NewResponseController(w).Flush())
			panic(http.ErrAbortHandler)
		}, "some", ""},
		{"aborted before the head", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "some")
			panic(http.ErrAbortHandler)
		}, "", ""},
		{"less than its length", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "some")
		}, "some", "4 of the 10 bytes"},
	} {
		for _, network := range []string{"unix", "tcp"} {
			for _, body := range []string{"", "x", strings.Repeat("x", seenSize), strings.Repeat("x", 100_000)} {
				s := start(t, network, &Server{}, c.handler)
				answer, err := s.ask(body, "REQUEST_URI", "/")
				assert.ErrorIs(t, err, unix.ECONNRESET, c.name)
				if network == "unix" { // over TCP a reset may discard sent data
					assert.Equal(t, c.has, answer[max(0, len(answer)-len(c.has)):], c.name)
				}
				if c.logged == "" {
					assert.Empty(t, s.log.String(), c.name)
				} else {
					assert.Contains(t, s.log.String(), c.logged)
				}
			}
		}
	}
}

func TestFlush(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		next := make(chan struct{})
		s := start(t, network, &Server{}, func(w http.ResponseWriter, _ *http.Request) {
			for range 3 {
				_, _ = io.WriteString(w, "part")
				w.(http.Flusher).Flush()
				<-next
			}
		})
		c := s.dial()
		_, err := c.Write(request(t, "", "REQUEST_URI", "/"))
		require.NoError(t, err)
		buf := make([]byte, 1000)
		for _, want := range []string{"Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\npart", "part", "part"} {
			n, err := c.Read(buf)
			require.NoError(t, err)
			assert.Equal(t, want, string(buf[:n]))
			next <- struct{}{}
		}
		rest, err := io.ReadAll(c)
		assert.NoError(t, err)
		assert.Empty(t, rest)
	}
}

func TestResponseController(t *testing.T) {
	s := start(t, "unix", &Server{WriteTimeout: time.Hour}, func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		_, _, err := c.Hijack()
		assert.ErrorIs(t, err, http.ErrNotSupported)
		_, ok := w.(http.Hijacker)
		assert.False(t, ok)
		assert.NoError(t, c.EnableFullDuplex())
		assert.NoError(t, c.SetReadDeadline(time.Unix(1, 0)))
		assert.NoError(t, r.Context().Err(), "a deadline is not an end")
		assert.NoError(t, c.Flush())
		assert.NoError(t, c.SetWriteDeadline(time.Unix(1, 0)))
		_, err = w.Write(make([]byte, bodySize+1))
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.Error(t, r.Context().Err())
		assert.ErrorIs(t, c.Flush(), os.ErrDeadlineExceeded)
		_, err = io.WriteString(w, "x")
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	})
	_, err := s.ask("", "REQUEST_URI", "/")
	assert.ErrorIs(t, err, unix.ECONNRESET)
}

// noRead is a file of which only the kernel may send more than most bytes.
type noRead struct {
	*os.File
	t    *testing.T
	most int
}

func (f *noRead) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.most -= n
	assert.GreaterOrEqual(f.t, f.most, 0, "read, not sent by the kernel")
	return n, err
}

var _ fs.File = (*noRead)(nil)

func TestSendFile(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789"), 100_000)
	name := filepath.Join(t.TempDir(), "data.bin")
	require.NoError(t, os.WriteFile(name, data, 0o600))
	for _, c := range []struct {
		name    string
		handler func(w http.ResponseWriter, f *os.File)
		want    []byte
	}{
		{"copy", func(w http.ResponseWriter, f *os.File) {
			n, err := io.Copy(w, f)
			assert.NoError(t, err)
			assert.Equal(t, int64(len(data)), n)
		}, data},
		{"typed", func(w http.ResponseWriter, f *os.File) {
			w.Header().Set("Content-Type", "a/b")
			n, err := w.(io.ReaderFrom).ReadFrom(&noRead{f, t, 0})
			assert.NoError(t, err)
			assert.Equal(t, int64(len(data)), n)
		}, data},
		{"guessed", func(w http.ResponseWriter, f *os.File) {
			_, err := w.(io.ReaderFrom).ReadFrom(&noRead{f, t, sniffSize})
			assert.NoError(t, err)
		}, data},
		{"part", func(w http.ResponseWriter, f *os.File) {
			_, _ = io.WriteString(w, ">")
			_, err := f.Seek(10, io.SeekStart)
			assert.NoError(t, err)
			lr := &io.LimitedReader{R: &noRead{f, t, sniffSize}, N: 50_000}
			n, err := io.Copy(w, lr)
			assert.NoError(t, err)
			assert.Equal(t, int64(50_000), n)
			assert.Zero(t, lr.N)
			_, _ = io.WriteString(w, "<")
		}, []byte(">" + string(data[10:50_010]) + "<")},
		{"beyond its end", func(w http.ResponseWriter, f *os.File) {
			n, err := io.CopyN(w, f, 2_000_000)
			assert.Equal(t, io.EOF, err)
			assert.Equal(t, int64(len(data)), n)
		}, data},
		{"more than its length", func(w http.ResponseWriter, f *os.File) {
			w.Header().Set("Content-Length", "70000")
			n, err := io.Copy(w, f)
			assert.Equal(t, http.ErrContentLength, err)
			assert.Equal(t, int64(70_000), n)
		}, data[:70_000]},
		{"nothing of it", func(w http.ResponseWriter, f *os.File) {
			n, err := io.CopyN(w, f, 0)
			assert.NoError(t, err)
			assert.Zero(t, n)
		}, nil},
		{"a pipe", func(w http.ResponseWriter, _ *os.File) {
			r, p, err := os.Pipe()
			assert.NoError(t, err)
			go func() {
				_, _ = p.Write(data[:100_000])
				p.Close()
			}()
			_, err = io.Copy(w, r)
			assert.NoError(t, err)
			r.Close()
		}, data[:100_000]},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, network := range []string{"unix", "tcp"} {
				s := start(t, network, &Server{}, func(w http.ResponseWriter, _ *http.Request) {
					f, err := os.Open(name)
					if assert.NoError(t, err) {
						defer f.Close()
						c.handler(w, f)
					}
				})
				_, body, _ := strings.Cut(s.get(), "\r\n\r\n")
				assert.True(t, string(c.want) == body, "%d bytes in place of %d", len(body), len(c.want))
			}
		})
	}

	s := start(t, "unix", &Server{}, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, name) })
	assert.Contains(t, s.get(), "\r\nContent-Length: 1000000\r\n")
	assert.True(t, strings.HasSuffix(s.get("HTTP_RANGE", "bytes=20-29"), "\r\n\r\n0123456789"))
	assert.True(t, strings.HasSuffix(s.get("REQUEST_METHOD", "HEAD"), "\r\n\r\n"))
}

// TestLateWriter checks that writes after the end of a handler fail, and reach no other response.
func TestLateWriter(t *testing.T) {
	late := make(chan http.ResponseWriter, 1)
	s := start(t, "unix", &Server{}, func(w http.ResponseWriter, _ *http.Request) { late <- w })
	s.get()
	w := received(t, late)
	shutdown(t, s.Server)
	_, err := io.WriteString(w, "too late")
	assert.Equal(t, errOver, err)
	_, err = w.Write([]byte("too late"))
	assert.Equal(t, errOver, err)
	_, err = io.Copy(w, strings.NewReader("too late"))
	assert.Equal(t, errOver, err)
	c := http.NewResponseController(w)
	assert.Equal(t, errOver, c.Flush())
	assert.Equal(t, errOver, c.SetWriteDeadline(time.Time{}))
	w.WriteHeader(200)
	assert.Contains(t, s.log.String(), "after the handler has returned")
}

func TestSuperfluousWriteHeader(t *testing.T) {
	s := start(t, "unix", &Server{}, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(200)
		w.WriteHeader(404)
	})
	assert.Contains(t, s.get(), "200 OK")
	assert.Contains(t, s.log.String(), "superfluous WriteHeader(404) at ")
	assert.Contains(t, s.log.String(), "response_test.go:")
}
