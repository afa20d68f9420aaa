package e2e

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/require"
)

// BenchmarkCGI asks one nginx for the page of a static C program, in turn by this
// project and by who does the same.
//
//	go test ./units/e2e -run '^$' -bench CGI/rate -benchtime 10x
//
// has listeners answer (Accept=no): the adapter, Debian's fcgiwrap as it comes, with its
// one process, and with two (-c 2); wrk with 16 connections and with one, for a second
// each.
//
//	go test ./units/e2e -run '^$' -bench CGI/latency -benchtime 200x
//
// has systemd start a process for each request (Accept=yes): the adapter, and a shim of
// 50 lines of C that becomes the program, under the same unit but for the command. What
// is timed is as in [BenchmarkColdStart].
//
// Both report medians, and the peak of memory in KiB: the largest resident sets of the
// processes that stay, together; with Accept=yes that of the largest process.
func BenchmarkCGI(b *testing.B) {
	b.Run("rate", benchCGIRate)
	b.Run("latency", benchCGILatency)
}

// newCGISite is a site with the programs of testdata/shim in /srv.
func newCGISite(b *testing.B) *site {
	for _, need := range []string{"gcc", "wrk", "/usr/sbin/fcgiwrap"} {
		if _, err := exec.LookPath(need); err != nil {
			b.Skipf("%s is not installed", need)
		}
	}
	dir := b.TempDir()
	s := newSite(b)
	for _, name := range []string{"hello", "shim", "peak"} {
		program := filepath.Join(dir, name)
		out, err := exec.Command("gcc", "-static", "-O2", "-Wall", "-o", program, "testdata/shim/"+name+".c").CombinedOutput()
		require.NoError(b, err, "%s", out)
		s.Install(program, "/srv/"+name, 0o755)
	}
	return s
}

const (
	cgiPort = "127.0.0.1:8080" // in the machine, which has a network of its own
	cgiWant = "Hello world!\n"
)

// serveHello sets /srv/hello up as name, as the README says, and nginx to serve it.
func (s *site) serveHello(name, accept string) {
	s.t.Helper()
	s.install(s.Run("/usr/local/bin/socketgi", "units", name, "--user", "www-data", "--accept", accept, "--cgi", "--", "/srv/hello"))
	s.Write("/etc/nginx/apps/"+name+".conf", s.Run("/usr/local/bin/socketgi", "nginx", name, "--mount", "/"+name))
}

// quietNginx has nginx listen for wrk, too, and write no log of its own.
func (s *site) quietNginx() {
	s.t.Helper()
	s.Write("/etc/nginx/sites-enabled/default", `server {
	listen unix:`+nginxSocket+`;
	listen `+cgiPort+`;
	server_name localhost;
	access_log off;
	include /etc/nginx/apps/*.conf;
}
`)
	s.Run("systemctl", "restart", "nginx")
}

func benchCGIRate(b *testing.B) {
	s := newCGISite(b)
	s.serveHello("ours", "no")
	for _, ending := range []string{".socket", ".service"} { // as Debian has it, but for the name and the command
		unit := strings.ReplaceAll(s.Run("cat", "/lib/systemd/system/fcgiwrap"+ending), "fcgiwrap.socket", "fcgiwrap-c2.socket")
		unit = strings.ReplaceAll(unit, "${DAEMON_OPTS}", "-f -c 2")
		s.Write("/etc/systemd/system/fcgiwrap-c2"+ending, unit)
	}
	for _, name := range []string{"fcgiwrap", "fcgiwrap-c2"} {
		s.Write("/etc/nginx/apps/"+name+".conf", `location = /`+name+` {
	include fastcgi_params;
	fastcgi_param SCRIPT_FILENAME /srv/hello;
	fastcgi_pass unix:/run/`+name+`.socket;
}
`)
	}
	names := []string{"ours", "fcgiwrap", "fcgiwrap-c2"}
	s.Run("systemctl", "daemon-reload")
	for _, name := range names {
		s.Run("systemctl", "start", name+".socket")
	}
	s.quietNginx()
	for _, name := range names {
		got := s.get("/" + name)
		require.Equal(b, http.StatusOK, got.StatusCode, "%s: %s", name, got.body)
		require.Equal(b, cgiWant, got.body, name)
	}
	rates := map[string][]float64{}
	b.ResetTimer()
	for range b.N {
		for _, connections := range []string{"16", "1"} {
			for _, name := range names {
				out := s.Run("wrk", "-t1", "-c"+connections, "-d1s", "http://"+cgiPort+"/"+name)
				m := regexp.MustCompile(`Requests/sec: +([0-9.]+)`).FindStringSubmatch(out)
				require.NotNil(b, m, "%s", out)
				require.NotContains(b, out, "Non-2xx")
				rate, err := strconv.ParseFloat(m[1], 64)
				require.NoError(b, err)
				rates[name+"-"+connections] = append(rates[name+"-"+connections], rate)
			}
		}
	}
	b.StopTimer()
	rate := func(name string) float64 {
		slices.Sort(rates[name])
		return rates[name][len(rates[name])/2]
	}
	for _, connections := range []string{"-16", "-1"} {
		for _, name := range names {
			b.ReportMetric(rate(name+connections), name+connections+"/s")
			if name != "ours" {
				b.ReportMetric(rate("ours"+connections)/rate(name+connections), "ours:"+name+connections)
			}
		}
	}
	for _, name := range names {
		group := strings.TrimSpace(s.Run("systemctl", "show", "-P", "ControlGroup", name+".service"))
		sum := 0
		for _, pid := range strings.Fields(s.Run("cat", "/sys/fs/cgroup/systemd"+group+"/cgroup.procs")) {
			m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindStringSubmatch(s.Run("cat", "/proc/"+pid+"/status"))
			require.NotNil(b, m, "the peak of process %s", pid)
			kib, err := strconv.Atoi(m[1])
			require.NoError(b, err)
			sum += kib
		}
		b.ReportMetric(float64(sum), name+"-KiB")
	}
	b.ReportMetric(0, "ns/op")
}

func benchCGILatency(b *testing.B) {
	s := newCGISite(b)
	s.serveHello("ours", "yes")
	s.serveHello("shim", "yes")
	command := regexp.MustCompile(`(?m)^ExecStart=(.*)$`)
	file := func(name string) string { return "/etc/systemd/system/" + name + "@.service" }
	replace := func(name, with string) {
		unit := s.Run("cat", file(name))
		s.Write(file(name), command.ReplaceAllString(unit, with))
		s.Run("systemctl", "daemon-reload")
	}
	replace("shim", "ExecStart=/srv/shim /srv/hello\nStandardInput=socket\nStandardError=journal")
	names := []string{"ours", "shim"}
	for _, name := range names {
		s.Run("systemctl", "start", name+".socket")
	}
	s.quietNginx()

	nginx := func(name string) time.Duration {
		s.quiet()
		start := time.Now()
		got := s.get("/" + name)
		took := time.Since(start)
		require.Equal(b, http.StatusOK, got.StatusCode, got.body)
		require.Equal(b, cgiWant, got.body)
		return took
	}
	request, err := scgi.AppendRequest(nil, 0, []scgi.Header{{Name: "REQUEST_METHOD", Value: "GET"},
		{Name: "SCRIPT_NAME", Value: "/hello"}, {Name: "PATH_INFO", Value: ""}, {Name: "SERVER_NAME", Value: "localhost"},
		{Name: "SERVER_PORT", Value: "80"}, {Name: "SERVER_PROTOCOL", Value: "HTTP/1.1"}, {Name: "QUERY_STRING", Value: ""}})
	require.NoError(b, err)
	socket := func(name string) time.Duration { return s.timeSocket(name, request, cgiWant) }
	took := map[string][]time.Duration{}
	b.ResetTimer()
	for i := range b.N + 5 {
		for _, name := range names {
			n, s := nginx(name), socket(name)
			if i >= 5 { // the first ones fill caches
				took["nginx-"+name], took["socket-"+name] = append(took["nginx-"+name], n), append(took["socket-"+name], s)
			}
		}
		slices.Reverse(names)
	}
	b.StopTimer()
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	for _, way := range []string{"nginx", "socket"} {
		ours, shim := median(took[way+"-ours"]), median(took[way+"-shim"])
		b.ReportMetric(ms(ours), way+"-ms")
		b.ReportMetric(ms(shim), way+"-ms-shim")
		b.ReportMetric(ms(ours)-ms(shim), way+"-ms-more")
	}
	for _, name := range names {
		peaks := "/srv/open/" + name
		m := command.FindStringSubmatch(s.Run("cat", file(name)))
		replace(name, "ExecStart=/srv/peak "+peaks+" "+m[1]+"\nStandardInput=socket\nStandardError=journal")
		for range 10 {
			nginx(name)
		}
		s.quiet()
		peak := 0
		for _, kib := range strings.Fields(s.Run("cat", peaks)) {
			n, err := strconv.Atoi(kib)
			require.NoError(b, err)
			peak = max(peak, n)
		}
		b.ReportMetric(float64(peak), name+"-KiB")
	}
	b.ReportMetric(0, "ns/op")
}
