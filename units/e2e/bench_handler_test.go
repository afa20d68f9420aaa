package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkHandler requests a page of a Go handler from nginx with wrk, with 16 connections and with one for a second
// each, in turn by scgi_pass to scgihttp, fastcgi_pass to net/http/fcgi, and proxy_pass to net/http with and without
// keepalive connections.
//
//	SOCKETGI_SUITE=trixie go test ./units/e2e -run '^$' -bench Handler -benchtime 10x
//
// prints the medians, and the ratios of the first to the others. The processor time is the handler's, without nginx's.
func BenchmarkHandler(b *testing.B) {
	program := filepath.Join(b.TempDir(), "peers")
	build := exec.Command("go", "build", "-o", program, "./testdata/peers")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // the machine's libc may be an older one
	out, err := build.CombinedOutput()
	require.NoError(b, err, "%s", out)
	s := newBench(b, peers...)
	s.Install(program, "/srv/peers", 0o755)
	s.Write("/etc/systemd/system/peers.service", "[Service]\nRuntimeDirectory=peers\nExecStart=/srv/peers /run/peers\n")
	s.apart("peers")
	s.Run("systemctl", "start", "peers")
	s.Write("/etc/nginx/conf.d/kept.conf", "upstream kept { server unix:/run/peers/http; keepalive 16; }\n")
	s.Write("/etc/nginx/apps/peers.conf", `
location /scgi { include scgi_params; scgi_pass unix:/run/peers/scgi; }
location /fcgi { include fastcgi_params; fastcgi_pass unix:/run/peers/fcgi; }
location /http { proxy_pass http://unix:/run/peers/http; }
location /http-keepalive { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://kept; }
`)
	s.quietNginx()
	names := []string{"scgi", "fcgi", "http", "http-keepalive"}
	for _, name := range names {
		s.Wait(name, func() error {
			if got := s.get("/" + name); got.body != "Hello world!\n" {
				return fmt.Errorf("%d %s", got.StatusCode, got.body)
			}
			return nil
		})
	}
	var f figures
	for b.Loop() {
		for _, connections := range []string{"16", "1"} {
			for _, name := range names {
				s.wrk(&f, name, "peers.slice", "/"+name, connections, *wrkTime)
			}
		}
	}
	f.print(b, s, "")
}
