package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
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
// processes that stay (Accept=no), by uWSGI on an SCGI socket, and by gunicorn with
// synchronous workers on a unix socket, with two processes each and no access log.
//
//	go test ./units/e2e -run '^$' -bench Warm/rate -benchtime 5x
//
// has wrk ask for a second each, with 16 connections and with one, and reports medians of
// the rates, of the median latencies and of the 99th percentiles, and the memory of all
// processes together (proportional set size). "fresh" is --max-requests 1, a process for
// each request; with Flask "cold" is Accept=yes, with one connection.
//
//	go test ./units/e2e -run '^$' -bench Warm/fresh -benchtime 200x
//
// asks --max-requests 1 for Flask's page, twenty times a second.
func BenchmarkWarm(b *testing.B) {
	b.Run("rate", func(b *testing.B) {
		for _, need := range []string{"wrk", "uwsgi", "gunicorn"} {
			if _, err := exec.LookPath(need); err != nil {
				b.Skipf("%s is not installed: make bench does that", need)
			}
		}
		rates := map[string]map[string]float64{}
		b.Run("hello", func(b *testing.B) { rates["hello"] = benchWarmRate(b, "article.py", "Hello world!\n") })
		b.Run("flask", func(b *testing.B) { rates["Flask"] = benchWarmRate(b, "flaskapp.py", "Flask here", "cold") })
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
	s.Run("systemctl", "daemon-reload")
	s.Run("systemctl", "start", name)
}

func benchWarmRate(b *testing.B, app, want string, also ...string) map[string]float64 {
	s := newSite(b)
	names := append([]string{"ours", "fresh", "uwsgi", "gunicorn"}, also...)
	for name, flags := range map[string][]string{
		"ours":  {"--accept", "no", "--workers", "2"},
		"fresh": {"--accept", "no", "--workers", "2", "--max-requests", "1", "--warm-path", "/"},
		"cold":  {"--accept", "yes"},
	} {
		if slices.Contains(names, name) {
			s.warm0(name, app, append(flags, "--access-log", "no")...)
		}
	}
	module := strings.TrimSuffix(app, ".py")
	callable := map[string]string{"article": "simple_app", "flaskapp": "app", "djangoapp": "application"}[module]
	s.peer("uwsgi", "/usr/bin/uwsgi --plugin python3 --master --processes 2 --disable-logging --scgi-socket /run/uwsgi/sock --chmod-socket=666 "+
		"--mount /uwsgi=/srv/"+app+" --manage-script-name --callable "+callable,
		"include scgi_params; scgi_param SCRIPT_NAME /uwsgi; scgi_pass unix:/run/uwsgi/sock;")
	s.peer("gunicorn", "/usr/bin/gunicorn --workers 2 --bind unix:/run/gunicorn/sock "+module+":"+callable,
		"proxy_set_header SCRIPT_NAME /gunicorn; proxy_pass http://unix:/run/gunicorn/sock;")
	s.quietNginx()
	for _, name := range names {
		s.Wait(name, func() error {
			if got := s.get("/" + name + "/"); got.body != want {
				return fmt.Errorf("%d %s", got.StatusCode, got.body)
			}
			return nil
		})
	}
	figures := map[string][]float64{}
	b.ResetTimer()
	for i := range b.N {
		for _, connections := range []string{"16", "1"} {
			if i%2 == 1 {
				slices.Reverse(names)
			}
			for _, name := range names {
				if name == "cold" && connections != "1" {
					continue // not one of them would be answered within the second
				}
				out := s.Run("wrk", "-t1", "-c"+connections, "-d1s", "--latency", "http://"+cgiPort+"/"+name+"/")
				require.NotContains(b, out, "Non-2xx")
				for figure, pattern := range map[string]string{"/s": `Requests/sec: +([0-9.]+)`, "-p50": `50% +([0-9.]+[mu]?s)`, "-p99": `99% +([0-9.]+[mu]?s)`} {
					m := regexp.MustCompile(pattern).FindStringSubmatch(out)
					require.NotNil(b, m, "%s", out)
					value, err := strconv.ParseFloat(m[1], 64)
					if err != nil {
						took, err := time.ParseDuration(m[1])
						require.NoError(b, err)
						value = float64(took.Microseconds()) / 1000
					}
					key := name + "-" + connections + figure
					figures[key] = append(figures[key], value)
				}
			}
		}
	}
	b.StopTimer()
	medians := map[string]float64{}
	for key, values := range figures {
		slices.Sort(values)
		medians[key] = values[len(values)/2]
		b.ReportMetric(medians[key], key)
	}
	for _, name := range names {
		if name != "ours" {
			for _, connections := range []string{"-16", "-1"} {
				if medians[name+connections+"/s"] == 0 {
					continue
				}
				b.ReportMetric(medians["ours"+connections+"/s"]/medians[name+connections+"/s"], "ours:"+name+connections)
			}
		}
		if name != "cold" {
			b.ReportMetric(s.memory(name+".service"), name+"-MiB")
		}
	}
	if slices.Contains(names, "cold") {
		b.ReportMetric(medians["fresh-1/s"]/medians["cold-1/s"], "fresh:cold-1")
	}
	b.ReportMetric(0, "ns/op")
	return medians
}

// memory is what the processes of a unit have in memory together, in MiB: what several
// share counts once.
func (s *site) memory(unit string) float64 {
	s.t.Helper()
	group := strings.TrimSpace(s.Run("systemctl", "show", "-P", "ControlGroup", unit))
	sum := 0
	for _, pid := range strings.Fields(s.Run("cat", "/sys/fs/cgroup/systemd"+group+"/cgroup.procs")) {
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
	s := newSite(b)
	s.warm0("fresh", "flaskapp.py", "--accept", "no", "--workers", "2", "--max-requests", "1", "--access-log", "no")
	require.Equal(b, "Flask here", s.get("/fresh/").body)
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	var took []time.Duration
	b.ResetTimer()
	for i := range b.N + 5 {
		<-every.C
		start := time.Now()
		got := s.get("/fresh/")
		if i >= 5 { // the first ones fill caches
			took = append(took, time.Since(start))
		}
		require.Equal(b, "Flask here", got.body)
	}
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(median(took).Microseconds())/1000, "ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
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
		{"ours", "socketgi, Accept=no", "#2f6f4f"},
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
			most = max(most, rates[app][way.name+"-16/s"])
		}
		fmt.Fprintf(&body, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" font-weight=\"bold\">%s</text>\n", left-8, y+2*bar+4, app)
		for _, way := range ways {
			rate := rates[app][way.name+"-16/s"]
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
