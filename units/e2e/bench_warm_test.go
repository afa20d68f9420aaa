package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkWarm asks one nginx for the page of an application, in turn by this project with
// warm processes (Accept=no), by uWSGI on an SCGI socket, and by gunicorn with
// synchronous workers on a unix socket, with two processes each and no access log.
//
//	SOCKETGI_SUITE=trixie go test ./units/e2e -run '^$' -bench Warm/rate -benchtime 5x
//
// has wrk ask for a second each, with 16 connections and with one, and prints medians of
// the rates, of the median latencies, of the 99th percentiles and of the processor time of each request, without
// nginx's, and the memory of all processes together (proportional set size). "fresh" is --max-requests 1, a process for
// each request.
//
//	SOCKETGI_SUITE=trixie go test ./units/e2e -run '^$' -bench Warm/fresh -benchtime 200x
//
// asks --max-requests 1 for Flask's page, twenty times a second.
func BenchmarkWarm(b *testing.B) {
	b.Run("rate", func(b *testing.B) {
		b.Run("hello", func(b *testing.B) { benchWarmRate(b, "article.py", "Hello world!\n") })
		b.Run("flask", func(b *testing.B) { benchWarmRate(b, "flaskapp.py", "Flask here") })
		b.Run("django", func(b *testing.B) { benchWarmRate(b, "djangoapp.py", "Django here") })
	})
	b.Run("fresh", benchWarmFresh)
}

// peer is a service for uWSGI or gunicorn.
func (s *site) peer(name, command, nginx string) {
	s.t.Helper()
	s.Write("/etc/systemd/system/"+name+".service", `[Service]
User=www-data
RuntimeDirectory=`+name+`
WorkingDirectory=/srv
Environment=PYTHONPATH=/srv
ExecStart=`+command+"\n")
	s.Write("/etc/nginx/apps/"+name+".conf", "location /"+name+" {\n"+nginx+"\n}\n")
	s.apart(name)
	s.Run("systemctl", "start", name)
}

func benchWarmRate(b *testing.B, app, want string) {
	s := newBench(b, peers...)
	names := []string{"socketgi", "fresh", "uwsgi", "gunicorn"}
	s.warm0("socketgi", app, "--accept", "no", "--workers", "2", "--access-log", "no")
	s.warm0("fresh", app, "--accept", "no", "--workers", "2", "--max-requests", "1", "--warm-path", "/", "--access-log", "no")
	module := strings.TrimSuffix(app, ".py")
	callable := map[string]string{"article": "simple_app", "flaskapp": "app", "djangoapp": "application"}[module]
	s.peer("uwsgi", "/usr/bin/uwsgi --plugin python3 --master --processes 2 --disable-logging --scgi-socket /run/uwsgi/sock --chmod-socket=666 "+
		"--mount /uwsgi=/srv/"+app+" --manage-script-name --callable "+callable,
		"include scgi_params; scgi_param SCRIPT_NAME /uwsgi; scgi_pass unix:/run/uwsgi/sock;")
	s.peer("gunicorn", "/usr/bin/gunicorn --workers 2 --bind unix:/run/gunicorn/sock "+module+":"+callable,
		"proxy_set_header SCRIPT_NAME /gunicorn; proxy_pass http://unix:/run/gunicorn/sock;")
	for _, name := range names[:2] {
		s.apart(name)
	}
	s.quietNginx()
	for _, name := range names {
		s.Wait(name, func() error {
			if got := s.get("/" + name + "/"); got.body != want {
				return fmt.Errorf("%d %s", got.StatusCode, got.body)
			}
			return nil
		})
	}
	f := figures{names: slices.Clone(names)}
	for b.Loop() {
		for _, connections := range []string{"16", "1"} {
			for _, name := range names {
				s.wrk(&f, name, name+".slice", "/"+name+"/", connections)
			}
		}
		slices.Reverse(names)
	}
	for _, name := range f.names {
		f.add(name, "memory, MiB", s.memory(name+".service"))
	}
	f.print(b, s)
}

// memory is what the processes of a unit have in memory together, in MiB: what several
// share counts once.
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
	s := newBench(b)
	s.warm0("fresh", "flaskapp.py", "--accept", "no", "--workers", "2", "--max-requests", "1", "--access-log", "no")
	require.Equal(b, "Flask here", s.get("/fresh/").body)
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	var took []time.Duration
	ask := func() {
		<-every.C
		start := time.Now()
		got := s.get("/fresh/")
		took = append(took, time.Since(start))
		require.Equal(b, "Flask here", got.body)
	}
	for range 5 {
		ask() // the first ones fill caches
	}
	took = nil
	for b.Loop() {
		ask()
	}
	slices.Sort(took)
	var f figures
	f.add("fresh", "50%, ms", ms(median(took)))
	f.add("fresh", "99%, ms", ms(took[len(took)*99/100]))
	f.print(b, s)
}

// warm0 sets an application up with flags for the units and nothing more.
func (s *site) warm0(name, app string, flags ...string) {
	s.t.Helper()
	s.serve(name, app, "/"+name, append([]string{"--user", "www-data"}, flags...)...)
}
