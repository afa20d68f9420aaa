package scgi

import (
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// pair returns a connection and the web server's end of it.
func pair(t *testing.T) (*Conn, *os.File) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	c, peer := NewConn(fds[0]), os.NewFile(uintptr(fds[1]), "peer")
	t.Cleanup(func() {
		c.Close()
		peer.Close()
	})
	return c, peer
}

func wire(t *testing.T, body string) []byte {
	w, err := AppendRequest(nil, int64(len(body)), []Header{{"REQUEST_METHOD", "GET"}})
	require.NoError(t, err)
	return append(w, body...)
}

// TestConnReset checks that a response which breaks off can be told from one that
// is complete, with and without a body in the request, small and large.
func TestConnReset(t *testing.T) {
	for name, body := range map[string]string{"no body": "", "one byte": "x", "small": "hello", "in a file": strings.Repeat("x", 3000)} {
		t.Run(name, func(t *testing.T) {
			for _, complete := range []bool{true, false} {
				c, peer := pair(t)
				_, err := peer.Write(wire(t, body))
				require.NoError(t, err)
				req, err := ReadRequest(c, &Limits{MemoryBytes: 1000, TempDir: t.TempDir()})
				require.NoError(t, err)
				if req.Body.File != nil {
					data, err := io.ReadAll(req.Body.File)
					require.NoError(t, err)
					assert.Equal(t, body, string(data))
				} else {
					assert.Equal(t, body, string(req.Body.Data))
				}
				_, err = c.Write([]byte("some of the response"))
				require.NoError(t, err)
				if complete {
					go func() { // the peer closes after the end
						buf := make([]byte, 100)
						for {
							if _, err := peer.Read(buf); err != nil {
								assert.Equal(t, io.EOF, err)
								peer.Close()
								return
							}
						}
					}()
					c.Finish(10 * time.Second)
					continue
				}
				c.Close()
				data, err := io.ReadAll(peer)
				assert.Equal(t, "some of the response", string(data))
				assert.ErrorIs(t, err, unix.ECONNRESET)
			}
		})
	}
}

func TestConnTimeouts(t *testing.T) {
	c, peer := pair(t)
	_, err := peer.WriteString("24:CONTENT_LENGTH\x00")
	require.NoError(t, err)
	_, err = ReadRequest(c, &Limits{HeaderTimeout: 20 * time.Millisecond})
	assert.Equal(t, ErrHeaderTimeout, err)

	c, peer = pair(t)
	w := wire(t, "hello")
	_, err = peer.Write(w[:len(w)-1])
	require.NoError(t, err)
	_, err = ReadRequest(c, &Limits{BodyTimeout: 20 * time.Millisecond})
	assert.Equal(t, ErrBodyTimeout, err)
}

// TestConnSlowSender sends a request byte by byte; only the time without progress
// of the body counts.
func TestConnSlowSender(t *testing.T) {
	c, peer := pair(t)
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		for _, b := range wire(t, "hello") {
			_, _ = peer.Write([]byte{b})
		}
	}()
	req, err := ReadRequest(c, nil)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(req.Body.Data))
	wg.Wait()
}

func TestConnGone(t *testing.T) {
	c, peer := pair(t)
	assert.False(t, c.Gone())
	require.NoError(t, unix.Shutdown(int(peer.Fd()), unix.SHUT_WR))
	assert.False(t, c.Gone(), "a peer that has ended its sending waits for the response")
	require.NoError(t, peer.Close())
	assert.True(t, c.Gone())
	_, err := c.Write([]byte("x"))
	assert.ErrorIs(t, err, unix.EPIPE)
}
