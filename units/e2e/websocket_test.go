package e2e

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// chatter is a client of the chat in testdata.
type chatter struct {
	t    testing.TB
	conn net.Conn
	read *bufio.Reader
	pid  string
}

// chat joins the chat at mount.
func (s *site) chat(mount, name string) *chatter {
	t := s.t
	t.Helper()
	conn, err := net.Dial("unix", s.Path(nginxSocket))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	_, err = io.WriteString(conn, "GET "+mount+"/chat?"+name+" HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	require.NoError(t, err)
	c := &chatter{t: t, conn: conn, read: bufio.NewReader(conn)}
	resp, err := http.ReadResponse(c.read, nil)
	require.NoError(t, err)
	require.Equal(t, 101, resp.StatusCode)
	require.Equal(t, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", resp.Header.Get("Sec-WebSocket-Accept"))
	c.pid = resp.Header.Get("X-Pid")
	return c
}

// sends sends a message with a zero mask: 1 is a text, 2 is binary, 8 a close.
func (c *chatter) sends(opcode byte, payload string) {
	c.t.Helper()
	b := []byte{0x80 | opcode, 0xff}
	b = binary.BigEndian.AppendUint64(b, uint64(len(payload)))
	switch n := len(payload); {
	case n < 126:
		b = []byte{0x80 | opcode, 0x80 | byte(n)}
	case n < 65536:
		b = binary.BigEndian.AppendUint16([]byte{0x80 | opcode, 0xfe}, uint16(n))
	}
	_, err := c.conn.Write(append(append(b, 0, 0, 0, 0), payload...))
	require.NoError(c.t, err)
}

// next reads a message.
func (c *chatter) next() (opcode byte, payload string) {
	c.t.Helper()
	var head [2]byte
	_, err := io.ReadFull(c.read, head[:])
	require.NoError(c.t, err)
	n := uint64(head[1])
	switch n {
	case 126:
		var short uint16
		err = binary.Read(c.read, binary.BigEndian, &short)
		n = uint64(short)
	case 127:
		err = binary.Read(c.read, binary.BigEndian, &n)
	}
	require.NoError(c.t, err)
	b := make([]byte, n)
	_, err = io.ReadFull(c.read, b)
	require.NoError(c.t, err)
	return head[0] & 15, string(b)
}

func (c *chatter) gets(text string) {
	c.t.Helper()
	opcode, payload := c.next()
	require.Equal(c.t, fmt.Sprintf("1 %s", text), fmt.Sprintf("%d %s", opcode, payload))
}

// closed expects a close with that code, and the end of the connection.
func (c *chatter) closed(code uint16) {
	c.t.Helper()
	opcode, payload := c.next()
	require.EqualValues(c.t, 8, opcode)
	require.Equal(c.t, code, binary.BigEndian.Uint16([]byte(payload)))
	c.sends(8, payload[:2])
	_, err := c.read.ReadByte()
	require.ErrorIs(c.t, err, io.EOF)
}

// TestWebSocket runs a chat behind nginx in each mode.
func TestWebSocket(t *testing.T) {
	s := newSite(t)
	s.Install("testdata/chat.py", "/srv/chat.py", 0o644)
	var names []string
	for _, mode := range asgiModes {
		flags := mode.flags
		if mode.name == "warm" {
			flags = []string{"--accept", "no", "--workers", "1"}
		}
		s.place(append([]string{mode.name, "/srv/chat.py", "--python", "/usr/bin/python3", "--user", "www-data", "--mount", "/" + mode.name, "--timeout", "5s"}, flags...),
			[]string{mode.name, "--mount", "/" + mode.name, "--streaming"})
		names = append(names, mode.name)
	}
	s.start(names...)
	for _, mode := range asgiModes {
		t.Run(mode.name, func(t *testing.T) {
			s.t = t
			s.tryChat(mode.name)
		})
	}
}

func (s *site) tryChat(mode string) {
	t, mount := s.t, "/"+mode
	large := strings.Repeat("\x00\xff", 35_000)
	a := s.chat(mount, "anna")
	a.gets("anna enters, 1 here")
	b := s.chat(mount, "bert")
	if mode == "warm" {
		assert.Equal(t, a.pid, b.pid, "many on one worker")
		a.gets("bert enters, 2 here")
		b.gets("bert enters, 2 here")
		b.sends(1, "hello")
		b.gets("bert: hello")
		a.gets("bert: hello")
	} else {
		assert.NotEqual(t, a.pid, b.pid, "a process each")
		b.gets("bert enters, 1 here")
	}
	a.sends(2, large)
	opcode, payload := a.next()
	assert.EqualValues(t, 2, opcode)
	assert.True(t, payload == large, "%d bytes", len(payload))
	b.conn.Close() // without a close frame
	if mode == "warm" {
		a.gets("bert leaves")
	}
	s.wrote(mode, "bert leaves with 1006")
	a.sends(1, "/close 4321")
	a.closed(4321)
	s.wrote(mode, "anna leaves with 4321")
	s.wrote(mode, "GET "+mount+"/chat 101")
	c := s.chat(mount, "carl")
	c.gets("carl enters, 1 here")
	if mode == "single" {
		s.meanwhile(c, "systemctl", "stop", mode+"@*.service")
		return
	}
	s.meanwhile(c, "systemctl", "reload", mode+".service")
	d := s.chat(mount, "dora")
	d.gets("dora enters, 1 here")
	s.meanwhile(d, "systemctl", "stop", mode+".service")
}

// meanwhile runs a command that closes a chat with 1012, service restart.
func (s *site) meanwhile(c *chatter, command string, arg ...string) {
	s.t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := s.Try(command, arg...)
		done <- err
	}()
	c.closed(1012)
	assert.NoError(s.t, <-done)
}

// wrote waits until the journal of an application contains a text.
func (s *site) wrote(name, text string) {
	s.t.Helper()
	s.Wait("the line "+text, func() error {
		if log := s.Run("journalctl", "-q", "-o", "cat", "-u", name+".service", "-u", name+"@*"); !strings.Contains(log, text) {
			return errors.New(log)
		}
		return nil
	})
}
