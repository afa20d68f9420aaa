package e2e

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var warmSVG = flag.String("warm-svg", "", "have BenchmarkWarm/rate draw its rates into this `file`")

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
		rates := map[string]map[string]float64{}
		b.Run("hello", func(b *testing.B) { rates["hello"] = benchWarmRate(b, "article.py", "Hello world!\n") })
		b.Run("flask", func(b *testing.B) { rates["Flask"] = benchWarmRate(b, "flaskapp.py", "Flask here") })
		b.Run("django", func(b *testing.B) { rates["Django"] = benchWarmRate(b, "djangoapp.py", "Django here") })
		if *warmSVG != "" && len(rates) == 3 {
			require.NoError(b, os.WriteFile(*warmSVG, drawRates(rates), 0o644))
		}
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

func benchWarmRate(b *testing.B, app, want string) map[string]float64 {
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
	rates := map[string]float64{}
	for _, name := range f.names {
		rates[name] = f.median(name, "16: requests/s")
		f.add(name, "memory, MiB", s.memory(name+".service"))
	}
	f.print(b, s)
	return rates
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
	b.ReportMetric(ms(median(took)), "ms")
	b.ReportMetric(ms(took[len(took)*99/100]), "p99-ms")
	b.ReportMetric(0, "ns/op")
}

// warm0 sets an application up with flags for the units and nothing more.
func (s *site) warm0(name, app string, flags ...string) {
	s.t.Helper()
	s.serve(name, app, "/"+name, append([]string{"--user", "www-data"}, flags...)...)
}

// drawRates draws requests per second with 16 connections as bars.
func drawRates(rates map[string]map[string]float64) []byte {
	ways := []struct{ name, title, color string }{
		{"socketgi", "socketgi, Accept=no", "#2f6f4f"},
		{"fresh", "socketgi, a fresh process for each request", "#8fbf9f"},
		{"uwsgi", "uWSGI", "#7a7a9a"},
		{"gunicorn", "gunicorn", "#b0a080"},
	}
	var out strings.Builder
	const left, width, bar = 70, 420, 16
	y := 46
	var body strings.Builder
	for _, app := range []string{"hello", "Flask", "Django"} {
		most := 0.0
		for _, way := range ways {
			most = max(most, rates[app][way.name])
		}
		fmt.Fprintf(&body, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" font-weight=\"bold\">%s</text>\n", left-8, y+2*bar+4, app)
		for _, way := range ways {
			rate := rates[app][way.name]
			w := rate / most * width
			fmt.Fprintf(&body, "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", left, y, max(w, 1), bar-2, way.color)
			fmt.Fprintf(&body, "<text x=\"%.1f\" y=\"%d\">%.0f</text>\n", left+w+6, y+bar-4, rate)
			y += bar
		}
		y += 12
	}
	fmt.Fprintf(&out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"620\" height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n", y+6)
	out.WriteString("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n")
	out.WriteString("<text x=\"12\" y=\"16\">Requests per second through nginx, 16 connections, 2 processes, 2 cores</text>\n")
	x := 12
	for _, way := range ways {
		fmt.Fprintf(&out, "<rect x=\"%d\" y=\"26\" width=\"10\" height=\"10\" fill=\"%s\"/><text x=\"%d\" y=\"35\">%s</text>\n", x, way.color, x+14, way.title)
		x += 26 + 7*len(way.title)
	}
	out.WriteString(body.String())
	out.WriteString("</svg>\n")
	return []byte(out.String())
}
