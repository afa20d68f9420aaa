package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkWarm requests the page of an application from one nginx, in turn by this project with warm workers
// (Accept=no), by uWSGI on an SCGI socket, and by gunicorn with synchronous workers on a unix socket, with two
// processes each.
//
//	SOCKETGI_SUITE=trixie go test ./units/e2e -run '^$' -bench Warm/rate -benchtime 5x
//
// runs wrk for a second each (-wrk-time), with 16 connections and with one. It prints medians of the rates, of the
// median latencies, of the 99th percentiles, of the processor time of each request and of nginx's part of it, and the
// memory of all processes together (proportional set size). "fresh" is --max-requests 1, a process for each request.
// The same rounds measure all with their access logs in the journal ("log"), and Accept=yes besides "fresh" for Flask
// ("once").
//
// SOCKETGI_ADAPTER is the path of an adapter to measure instead of the built one, SOCKETGI_ADAPTER_BEFORE that of
// another one to compare.
//
//	SOCKETGI_SUITE=trixie go test ./units/e2e -run '^$' -bench Warm/fresh -benchtime 200x
//
// requests Flask's page with --max-requests 1, twenty times a second.
func BenchmarkWarm(b *testing.B) {
	b.Run("rate", func(b *testing.B) {
		b.Run("hello", func(b *testing.B) { benchWarmRate(b, "article.py", "simple_app", "Hello world!\n") })
		b.Run("flask", func(b *testing.B) { benchWarmRate(b, "flaskapp.py", "app", "Flask here") })
		b.Run("django", func(b *testing.B) { benchWarmRate(b, "djangoapp.py", "application", "Django here") })
	})
	b.Run("fresh", benchWarmFresh)
}

// adapters returns the measured adapters: name and path.
func adapters() [][2]string {
	all := [][2]string{{"socketgi", filepath.Join(bin, "socketgi-adapter")}}
	if path := os.Getenv("SOCKETGI_ADAPTER"); path != "" {
		all[0][1] = path
	}
	if path := os.Getenv("SOCKETGI_ADAPTER_BEFORE"); path != "" {
		all = append(all, [2]string{"before", path})
	}
	return all
}

// contender is a server of the page: a unit with a slice, and a location of nginx with its name.
type contender struct {
	unit    string
	figures *figures
	as      string // its name there
}

// warmSite is a site with all contenders for a page.
type warmSite struct {
	*site
	contenders       []contender
	rate, once, logs figures
}

func newWarmSite(b *testing.B, app, callable, want string) *warmSite {
	s := &warmSite{site: newBench(b, peers...)}
	s.Write("/etc/systemd/journald.conf.d/bench.conf", "[Journal]\nStorage=volatile\nRuntimeMaxUse=64M\nRateLimitIntervalSec=0\n")
	s.Run("systemctl", "restart", "systemd-journald")
	two := []string{"--accept", "no", "--workers", "2", "--idle-exit", "0", "--access-log"}
	for _, a := range adapters() {
		path := "/usr/local/lib/socketgi/" + a[0]
		s.Install(a[1], path, 0o755)
		s.ours(&s.rate, a[0], a[0], app, path, append(two, "no")...)
		s.ours(&s.logs, a[0]+"log", a[0], app, path, append(two, "yes")...)
		if a[0] == "socketgi" {
			s.ours(&s.rate, "fresh", "fresh", app, path, append(two, "no", "--max-requests", "1", "--warm-path", "/")...)
		}
	}
	if app == "flaskapp.py" {
		s.ours(&s.once, "yes", "Accept=yes", app, "/usr/local/lib/socketgi/socketgi", "--access-log", "no")
	}
	for _, log := range []struct {
		figures                 *figures
		ending, uwsgi, gunicorn string
	}{{&s.rate, "", "--disable-logging ", ""}, {&s.logs, "log", "", "--access-logfile - "}} {
		name := "uwsgi" + log.ending
		s.peer(log.figures, name, "uwsgi", "/usr/bin/uwsgi --plugin python3 --master --processes 2 "+log.uwsgi+"--scgi-socket /run/"+name+"/sock --chmod-socket=666 "+
			"--mount /"+name+"=/srv/"+app+" --manage-script-name --callable "+callable,
			"include scgi_params; scgi_param SCRIPT_NAME /"+name+"; scgi_pass unix:/run/"+name+"/sock;")
		name = "gunicorn" + log.ending
		s.peer(log.figures, name, "gunicorn", "/usr/bin/gunicorn --workers 2 "+log.gunicorn+"--bind unix:/run/"+name+"/sock "+strings.TrimSuffix(app, ".py")+":"+callable,
			"proxy_set_header SCRIPT_NAME /"+name+"; proxy_pass http://unix:/run/"+name+"/sock;")
	}
	s.quietNginx()
	for _, c := range s.contenders {
		s.Wait(c.unit, func() error {
			if got := s.get("/" + c.unit + "/"); got.body != want {
				return fmt.Errorf("%d %s", got.StatusCode, got.body)
			}
			return nil
		})
	}
	return s
}

// ours adds a contender of this project, with the adapter at path.
func (s *warmSite) ours(f *figures, unit, as, app, path string, flags ...string) {
	s.t.Helper()
	s.warm0(unit, app, flags...)
	s.apart(unit)
	s.Run("sh", "-c", "sed -i s,/usr/local/lib/socketgi/socketgi-adapter,"+path+", /etc/systemd/system/"+unit+"*.service")
	s.Run("systemctl", "daemon-reload")
	s.contenders = append(s.contenders, contender{unit, f, as})
}

// peer adds a service of uWSGI or gunicorn.
func (s *warmSite) peer(f *figures, unit, as, command, nginx string) {
	s.t.Helper()
	s.Write("/etc/systemd/system/"+unit+".service", `[Service]
User=www-data
RuntimeDirectory=`+unit+`
WorkingDirectory=/srv
Environment=PYTHONPATH=/srv
ExecStart=`+command+"\n")
	s.Write("/etc/nginx/apps/"+unit+".conf", "location /"+unit+" {\n"+nginx+"\n}\n")
	s.apart(unit)
	s.Run("systemctl", "start", unit)
	s.contenders = append(s.contenders, contender{unit, f, as})
}

func benchWarmRate(b *testing.B, app, callable, want string) {
	s := newWarmSite(b, app, callable, want)
	for b.Loop() {
		for _, connections := range []string{"16", "1"} {
			for _, c := range s.contenders {
				switch c.figures {
				case &s.rate:
					s.wrk(c.figures, c.as, c.unit+".slice", "/"+c.unit+"/", connections, *wrkTime)
				case &s.logs:
					s.logging(c, connections)
				case &s.once:
					if connections == "16" {
						s.wrk(c.figures, c.as, c.unit+".slice", "/"+c.unit+"/", connections, max(*wrkTime, 10*time.Second))
						s.quiet()
					}
				}
			}
		}
		slices.Reverse(s.contenders)
	}
	for _, c := range s.contenders {
		if c.figures == &s.rate {
			s.rate.add(c.as, "memory, MiB", s.memory(c.unit+".service"))
		}
	}
	s.rate.print(b, s.site, "")
	s.logs.print(b, s.site, "/log")
	if len(s.once.names) > 0 {
		s.once.names = slices.Insert(s.once.names, 0, "fresh")
		for _, column := range s.once.columns {
			s.once.values[[2]string{"fresh", column}] = s.rate.values[[2]string{"fresh", column}]
		}
		s.once.print(b, s.site, "/once")
	}
}

// logging measures a contender with an access log, after the journal has written the entries of others.
func (s *warmSite) logging(c contender, connections string) {
	s.t.Helper()
	const journal = "system.slice/systemd-journald.service"
	s.Run("journalctl", "--sync")
	before := s.used(journal)
	requests := s.wrk(c.figures, c.as, c.unit+".slice", "/"+c.unit+"/", connections, *wrkTime)
	s.Run("journalctl", "--sync")
	c.figures.add(c.as, connections+": journald, µs", float64((s.used(journal)-before).Microseconds())/float64(requests))
}

// memory returns the memory of a unit's processes together, in MiB; shared memory counts once.
func (s *site) memory(unit string) float64 {
	s.t.Helper()
	sum := 0
	for _, pid := range s.processes(unit) {
		out, err := s.Try("cat", "/proc/"+pid+"/smaps_rollup")
		if m := regexp.MustCompile(`Pss:\s+(\d+) kB`).FindStringSubmatch(out); err == nil && m != nil { // it may have ended
			kib, err := strconv.Atoi(m[1])
			require.NoError(s.t, err)
			sum += kib
		}
	}
	return float64(sum) / 1024
}

func benchWarmFresh(b *testing.B) {
	newBench(b).benchFresh(b, "flaskapp.py", "Flask here")
}

// benchFresh measures --max-requests 1 for a page, twenty times a second. flags are further flags of the
// units.
func (s *site) benchFresh(b *testing.B, app, want string, flags ...string) {
	s.warm0("fresh", app, append([]string{"--accept", "no", "--workers", "2", "--max-requests", "1", "--access-log", "no"}, flags...)...)
	s.apart("fresh")
	require.Equal(b, want, s.get("/fresh/").body)
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	var took []time.Duration
	ask := func() {
		<-every.C
		start := time.Now()
		got := s.get("/fresh/")
		took = append(took, time.Since(start))
		require.Equal(b, want, got.body)
	}
	for range 5 {
		ask() // the first ones fill caches
	}
	took = nil
	before := s.used("fresh.slice")
	for b.Loop() {
		ask()
	}
	used := s.used("fresh.slice") - before
	slices.Sort(took)
	var f figures
	f.add("fresh", "50%, ms", ms(median(took)))
	f.add("fresh", "99%, ms", ms(took[len(took)*99/100]))
	f.add("fresh", "cpu, ms", ms(used)/float64(len(took)))
	f.print(b, s, "")
}

// warm0 sets up an application with the given flags of the units only.
func (s *site) warm0(name, app string, flags ...string) {
	s.t.Helper()
	s.serve(name, app, "/"+name, append([]string{"--user", "www-data"}, flags...)...)
}
