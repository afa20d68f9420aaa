package scgihttp

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"net/http/httputil"
	"net/textproto"
	"testing"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestUpgrade has httputil's proxy make a tunnel of a connection, as socketgi dev does.
func TestUpgrade(t *testing.T) {
	for _, c := range []struct{ name, header, want string }{
		{"asked", "Connection: keep-alive, upgrade\r\nUpgrade: echo\r\n", "HTTP/1.1 101 Switching Protocols\r\n"},
		{"not asked", "Upgrade: echo\r\n", "HTTP/1.1 502 Bad Gateway\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			transport := application(t, true, func(conn *scgi.Conn, a asked) {
				assert.Equal(t, c.name == "asked", a.params["HTTP_UPGRADE"] == "echo" && a.params["HTTP_CONNECTION"] == "Upgrade", "%v", a.params)
				_, _ = io.WriteString(conn, "Status: 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nfirst")
				_, _ = io.ReadFull(conn, make([]byte, 1)) // the netstring's comma, which the decoder keeps
				_, _ = io.Copy(conn, conn)
			})
			server := httptest.NewServer(&httputil.ReverseProxy{Transport: transport, ErrorLog: log.New(io.Discard, "", 0),
				Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", r.In.Host }})
			defer server.Close()
			client, err := net.Dial("tcp", server.Listener.Addr().String())
			require.NoError(t, err)
			defer client.Close()
			_, err = io.WriteString(client, "GET / HTTP/1.1\r\nHost: localhost\r\n"+c.header+"\r\n")
			require.NoError(t, err)
			r := bufio.NewReader(client)
			line, err := r.ReadString('\n')
			require.NoError(t, err)
			assert.Equal(t, c.want, line)
			if c.name != "asked" {
				return
			}
			_, err = textproto.NewReader(r).ReadMIMEHeader()
			require.NoError(t, err)
			for _, text := range []string{"first", "second", "third"} {
				if text != "first" {
					_, err = io.WriteString(client, text)
					require.NoError(t, err)
				}
				part := make([]byte, len(text))
				_, err = io.ReadFull(r, part)
				require.NoError(t, err)
				assert.Equal(t, text, string(part))
			}
		})
	}
}
