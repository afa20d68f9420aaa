package e2e

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkCGI requests the page of a static C program from one nginx, in turn by this project and by its peers.
//
//	SOCKETGI_SUITE=trixie go test ./units/e2e -run '^$' -bench CGI/rate -benchtime 10x
//
// measures listeners (Accept=no): the adapter, and Debian's fcgiwrap with its default of one process, and with two
// (-c 2). It runs wrk with 16 connections and with one, for a second each. The memory is the peak: the sum of the
// largest resident sets of the permanent processes.
//
//	SOCKETGI_SUITE=trixie go test ./units/e2e -run '^$' -bench CGI/latency -benchtime 200x
//
// measures a process for each request (Accept=yes): the adapter, and a shim of 50 lines of C that executes the
// program, in the same unit with another command. The times are those of [BenchmarkColdStart]; the memory is the
// peak of the largest process.
func BenchmarkCGI(b *testing.B) {
	b.Run("rate", benchCGIRate)
	b.Run("latency", benchCGILatency)
}

const cgiWant = "Hello world!\n"

// newCGISite boots a site with the programs of testdata/shim in /srv.
func newCGISite(b *testing.B) *site {
	s := newBench(b, peers...)
	for _, name := range []string{"hello", "shim", "peak"} {
		s.compile("testdata/shim/"+name+".c", "/srv/"+name)
	}
	return s
}

// serveHello sets up /srv/hello as name, as in the README, behind nginx.
func (s *site) serveHello(name, accept string) {
	s.t.Helper()
	s.install(s.Run("/usr/local/bin/socketgi", "units", name, "--user", "www-data", "--accept", accept, "--cgi", "--", "/srv/hello"))
	s.Write("/etc/nginx/apps/"+name+".conf", s.Run("/usr/local/bin/socketgi", "nginx", name, "--mount", "/"+name))
}

func benchCGIRate(b *testing.B) {
	s := newCGISite(b)
	s.serveHello("socketgi", "no")
	command := regexp.MustCompile(`(?m)^ExecStart=(.*)$`)
	for _, ending := range []string{".socket", ".service"} { // Debian's units with another name and command
		unit := s.Run("cat", "/lib/systemd/system/fcgiwrap"+ending)
		s.Write("/etc/systemd/system/fcgiwrap"+ending, unit)
		unit = strings.ReplaceAll(unit, "fcgiwrap.socket", "fcgiwrap2.socket")
		s.Write("/etc/systemd/system/fcgiwrap2"+ending, command.ReplaceAllString(unit, "ExecStart=/usr/sbin/fcgiwrap -f -c 2"))
	}
	for _, name := range []string{"fcgiwrap", "fcgiwrap2"} {
		s.Write("/etc/nginx/apps/"+name+".conf", `location = /`+name+` {
	include fastcgi_params;
	fastcgi_param SCRIPT_FILENAME /srv/hello;
	fastcgi_pass unix:/run/`+name+`.socket;
}
`)
	}
	names := []string{"socketgi", "fcgiwrap", "fcgiwrap2"}
	for _, name := range names {
		s.apart(name)
		s.Run("systemctl", "start", name+".socket")
	}
	s.quietNginx()
	for _, name := range names {
		got := s.get("/" + name)
		require.Equal(b, http.StatusOK, got.StatusCode, "%s: %s", name, got.body)
		require.Equal(b, cgiWant, got.body, name)
	}
	var f figures
	for b.Loop() {
		for _, connections := range []string{"16", "1"} {
			for _, name := range names {
				s.wrk(&f, name, name+".slice", "/"+name, connections, *wrkTime)
			}
		}
	}
	for _, name := range names {
		sum := 0
		for _, pid := range s.processes(name + ".service") {
			m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindStringSubmatch(s.Run("cat", "/proc/"+pid+"/status"))
			require.NotNil(b, m, "the peak of process %s", pid)
			kib, err := strconv.Atoi(m[1])
			require.NoError(b, err)
			sum += kib
		}
		f.add(name, "memory, KiB", float64(sum))
	}
	f.print(b, s, "")
}

func benchCGILatency(b *testing.B) {
	s := newCGISite(b)
	names := []string{"socketgi", "shim"}
	for _, name := range names {
		s.serveHello(name, "yes")
	}
	s.replaceCommand("shim", "/srv/shim /srv/hello")
	s.start(names...)
	s.oneAtATime(b, names, "", cgiWant)
	for _, name := range names {
		peaks := "/srv/open/" + name
		m := regexp.MustCompile(`(?m)^ExecStart=(.*)$`).FindStringSubmatch(s.Run("cat", "/etc/systemd/system/"+name+"@.service"))
		s.replaceCommand(name, "/srv/peak "+peaks+" "+m[1])
		for range 10 {
			s.quiet()
			require.Equal(b, cgiWant, s.get("/"+name).body)
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
}
