package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// This file is a client that does everything wrong, against an adapter that listens.
// For every action, it gets a well-formed response or a clean end, and the next one is
// served. make torture does more of it, and holds it to the time.

// torture is set by make torture.
var torture = os.Getenv("SOCKETGI_TORTURE") != ""

// few is a number of tries, of which make torture has all.
func few(all, most int) int {
	if torture {
		return all
	}
	return min(all, most)
}

// patience is how long an answer may take: what is promised, and where that is not what is
// tested, as long as a busy machine needs.
func patience() time.Duration {
	if torture {
		return 11 * time.Second
	}
	return 60 * time.Second
}

// victim is a socket that is attacked.
type victim struct {
	t    *testing.T
	path string
}

func (v *victim) dial() *net.UnixConn {
	v.t.Helper()
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Net: "unix", Name: v.path})
	require.NoError(v.t, err)
	require.NoError(v.t, c.SetDeadline(time.Now().Add(patience())))
	return c
}

// request is a good one.
func goodRequest(t *testing.T, path string) []byte {
	w, err := scgi.AppendRequest(nil, 5, []scgi.Header{
		{Name: "REQUEST_METHOD", Value: "POST"}, {Name: "REQUEST_URI", Value: path}, {Name: "SCRIPT_NAME", Value: ""},
		{Name: "PATH_INFO", Value: path}, {Name: "QUERY_STRING", Value: "a=b"}, {Name: "SERVER_PROTOCOL", Value: "HTTP/1.1"},
		{Name: "SERVER_NAME", Value: "localhost"}, {Name: "HTTP_HOST", Value: "localhost"}, {Name: "HTTP_COOKIE", Value: "a=b; c=d"},
		{Name: "CONTENT_TYPE", Value: "text/plain"},
	})
	require.NoError(t, err)
	return append(w, "hello"...)
}

var statusLine = regexp.MustCompile(`^Status: ([1-5]\d\d)[ -~]*\r\n`)

// judge tells what is wrong with an answer: it is that of the application, a page with an
// error, or none at all.
func judge(answer []byte, err error) error {
	head, body, ok := strings.Cut(string(answer), "\r\n\r\n")
	m := statusLine.FindStringSubmatch(head + "\r\n")
	switch {
	case err != nil:
		return fmt.Errorf("%w after %q", err, answer)
	case len(answer) == 0:
		return nil
	case !ok || m == nil:
		return fmt.Errorf("no head: %q", answer)
	case m[1] == "200" && body != "well\n" || m[1] != "200" && m[1] < "400":
		return fmt.Errorf("who said that? %q", answer)
	}
	for line := range strings.SplitSeq(head, "\r\n") {
		name, value, ok := strings.Cut(line, ": ")
		if !ok || strings.ContainsAny(line, "\r\n\x00") {
			return fmt.Errorf("the line %q in %q", line, answer)
		}
		if name == "Content-Length" && value != strconv.Itoa(len(body)) {
			return fmt.Errorf("the length in %q", answer)
		}
	}
	return nil
}

// send sends something, ends that if asked to, and returns the status of the answer: "" for
// a connection that was closed without one.
func (v *victim) send(wire []byte, end bool) (status string) {
	v.t.Helper()
	c := v.dial()
	defer c.Close()
	v.write(c, wire)
	return v.answer(c, wire, end)
}

// write sends something. Where that takes so long that the other side has answered and left
// meanwhile, the answer tells.
func (v *victim) write(c *net.UnixConn, wire []byte) {
	v.t.Helper()
	if _, err := c.Write(wire); !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) {
		assert.NoError(v.t, err, "sending %q", wire)
	}
}

func (v *victim) answer(c *net.UnixConn, wire []byte, end bool) (status string) {
	v.t.Helper()
	if end {
		_ = c.CloseWrite() // which fails if the peer has closed the connection
	}
	answer, err := io.ReadAll(c)
	if errors.Is(err, unix.ECONNRESET) && bytes.HasPrefix(answer, []byte("Status: 4")) {
		err = nil // it was refused, and the rest of it not waited for
	}
	if wrong := judge(answer, err); wrong != nil {
		v.t.Errorf("%q was answered with: %v", wire, wrong)
	}
	if len(answer) < 11 {
		return ""
	}
	return string(answer[8:11])
}

// good checks that the next request is served.
func (v *victim) good() {
	v.t.Helper()
	assert.Equal(v.t, "200", v.send(goodRequest(v.t, "/"), false))
}

// all does something with every number below n, a few at a time.
func all(n int, do func(i int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range next {
				do(i)
			}
		}()
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// splits sends a request in two pieces, divided at every byte. All the first pieces are
// there before any of the second ones.
func (v *victim) splits() {
	wire := goodRequest(v.t, "/")
	conns := make([]*net.UnixConn, len(wire))
	for i := range conns {
		conns[i] = v.dial()
		defer conns[i].Close()
		_, err := conns[i].Write(wire[:i])
		require.NoError(v.t, err)
	}
	v.good() // however many have begun
	for i, c := range conns {
		_, err := c.Write(wire[i:])
		require.NoError(v.t, err)
	}
	for i, c := range conns {
		assert.Equal(v.t, "200", v.answer(c, wire, i%2 == 0), "divided at %d", i)
	}
}

// truncations ends a request at every byte, with half of the connection or all of it.
func (v *victim) truncations() {
	wire := goodRequest(v.t, "/")
	all(len(wire), func(i int) {
		want := "400"
		if i == 0 {
			want = ""
		}
		assert.Equal(v.t, want, v.send(wire[:i], true), "cut at %d", i)
		c := v.dial()
		v.write(c, wire[:i])
		assert.NoError(v.t, c.Close())
	})
}

// mutations sends a good request in which something was changed.
func (v *victim) mutations(n int) {
	seen := map[string]int{}
	var mu sync.Mutex
	all(n, func(i int) {
		wire := mutate(rand.New(rand.NewPCG(1, uint64(i))), goodRequest(v.t, "/"))
		status := v.send(wire, true)
		mu.Lock()
		defer mu.Unlock()
		seen[status]++
	})
	v.t.Logf("answers to %d mutations: %v", n, seen)
	assert.Greater(v.t, seen["400"], n/4)
}

// mutate changes one to three things.
func mutate(r *rand.Rand, wire []byte) []byte {
	special := []byte("\x00\r\n,:=0129%/._-\"() {}\x7f\xff")
	for range 1 + r.IntN(3) {
		if len(wire) == 0 {
			break
		}
		i := r.IntN(len(wire))
		if r.IntN(3) == 0 {
			i = r.IntN(min(len(wire), 30)) // where the lengths are
		}
		j := min(len(wire), i+1+r.IntN(40))
		switch r.IntN(7) {
		case 0:
			wire[i] = byte(r.IntN(256))
		case 1:
			wire[i] = special[r.IntN(len(special))]
		case 2:
			wire = append(append(bytes.Clone(wire[:i]), special[r.IntN(len(special))]), wire[i:]...)
		case 3:
			wire = append(bytes.Clone(wire[:i]), wire[j:]...)
		case 4:
			wire = append(bytes.Clone(wire[:j]), wire[i:]...)
		case 5:
			wire = append(append(bytes.Clone(wire[:i]), bytes.Repeat(wire[i:i+1], 1+r.IntN(100000))...), wire[i:]...)
		case 6:
			wire[i] ^= 1 << r.IntN(8)
		}
	}
	return wire
}

// closed waits until the peer has closed the connection, without reading from it.
func (v *victim) closed(c *net.UnixConn) {
	v.t.Helper()
	raw, err := c.SyscallConn()
	require.NoError(v.t, err)
	deadline := time.Now().Add(patience())
	for gone := false; !gone; {
		require.NoError(v.t, raw.Control(func(fd uintptr) {
			fds := []unix.PollFd{{Fd: int32(fd)}}
			_, err := unix.Poll(fds, 100)
			gone = err == nil && fds[0].Revents&unix.POLLHUP != 0
		}))
		if !gone && time.Now().After(deadline) {
			v.t.Errorf("the connection was not closed")
			return
		}
	}
}

// holders are connections that do nothing to come to an end, and have to be ended.
func (v *victim) holders() (conns []*net.UnixConn) {
	for _, wire := range []string{
		string(goodRequest(v.t, "/")), // and never closes
		"GET / HTTP/1.1\r\n\r\n",      // the same, refused
		string(goodRequest(v.t, "/")) + strings.Repeat("and more ", 1000),
	} {
		c := v.dial()
		_, err := c.Write([]byte(wire))
		require.NoError(v.t, err)
		conns = append(conns, c)
	}
	// And one that never ends to send.
	c := v.dial()
	go func() {
		for {
			if _, err := c.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	}()
	return append(conns, c)
}

// suffer is all of it.
func (v *victim) suffer(mutations int) {
	v.good()
	held := v.holders()
	v.splits()
	v.good()
	v.truncations()
	v.good()
	v.mutations(mutations)
	v.good()
	for _, c := range held {
		v.closed(c)
		c.Close()
	}
	v.good()
}
