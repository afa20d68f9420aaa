package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkHandler asks nginx for a page of a Go handler with wrk, 16 connections for
// a second each, in turn by scgi_pass to scgihttp, fastcgi_pass to net/http/fcgi and
// proxy_pass to net/http with keepalive connections and without.
//
//	go test ./units/e2e -run '^$' -bench Handler -benchtime 10x
//
// reports the medians of requests per second, and the ratios to the first.
func BenchmarkHandler(b *testing.B) {
	for _, need := range []string{"nginx", "wrk"} {
		if _, err := exec.LookPath(need); err != nil {
			b.Skipf("%s is not installed", need)
		}
	}
	dir := b.TempDir()
	require.NoError(b, os.Chmod(filepath.Dir(dir), 0o755))
	require.NoError(b, os.Chmod(dir, 0o755))
	address := scratchNginx(b, dir)
	peers := filepath.Join(dir, "peers")
	out, err := exec.Command("go", "build", "-o", peers, "./testdata/peers").CombinedOutput()
	require.NoError(b, err, "%s", out)
	background(b, exec.Command(peers, dir))

	names := []string{"scgi", "fcgi", "http", "http-keepalive"}
	rates := map[string][]float64{}
	for _, name := range names { // until all are there
		require.Eventually(b, func() bool {
			resp, err := http.Get("http://" + address + "/" + name)
			if err != nil {
				return false
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			return string(body) == "Hello world!\n"
		}, 10*time.Second, 10*time.Millisecond, name)
	}
	b.ResetTimer()
	for range b.N {
		for _, name := range names {
			out, err := exec.Command("wrk", "-t1", "-c16", "-d1s", "http://"+address+"/"+name).Output()
			require.NoError(b, err)
			m := regexp.MustCompile(`Requests/sec: +([0-9.]+)`).FindSubmatch(out)
			require.NotNil(b, m, "%s", out)
			require.NotContains(b, string(out), "Non-2xx")
			rate, err := strconv.ParseFloat(string(m[1]), 64)
			require.NoError(b, err)
			rates[name] = append(rates[name], rate)
		}
	}
	b.StopTimer()
	median := func(name string) float64 {
		slices.Sort(rates[name])
		return rates[name][len(rates[name])/2]
	}
	for _, name := range names {
		b.ReportMetric(median(name), name+"/s")
		if name != "scgi" {
			b.ReportMetric(median("scgi")/median(name), "scgi:"+name)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// scratchNginx runs an nginx of its own, and returns where it listens.
func scratchNginx(b *testing.B, dir string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	address := l.Addr().String()
	require.NoError(b, l.Close())
	config := fmt.Sprintf(`worker_processes 1;
daemon off;
pid %[1]s/pid;
error_log %[1]s/error.log;
events { worker_connections 1024; }
http {
	access_log off;
	client_body_temp_path %[1]s/body; scgi_temp_path %[1]s/scgi-temp; fastcgi_temp_path %[1]s/fcgi-temp;
	proxy_temp_path %[1]s/proxy-temp; uwsgi_temp_path %[1]s/uwsgi-temp;
	upstream kept { server unix:%[1]s/http; keepalive 16; }
	server {
		listen %[2]s;
		location /scgi { include /etc/nginx/scgi_params; scgi_pass unix:%[1]s/scgi; }
		location /fcgi { include /etc/nginx/fastcgi_params; fastcgi_pass unix:%[1]s/fcgi; }
		location /http { proxy_pass http://unix:%[1]s/http; }
		location /http-keepalive { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://kept; }
	}
}
`, dir, address)
	file := filepath.Join(dir, "nginx.conf")
	require.NoError(b, os.WriteFile(file, []byte(config), 0o644))
	background(b, exec.Command("nginx", "-c", file, "-e", filepath.Join(dir, "error.log")))
	return address
}

// background runs a program until the benchmark ends.
func background(b *testing.B, cmd *exec.Cmd) {
	cmd.Stderr = os.Stderr
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
}
