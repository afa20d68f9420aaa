package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkASGI requests pages of ASGI applications from one nginx, in turn by this project, by uvicorn and by
// gunicorn with uvicorn's worker, with two processes each.
//
//	SOCKETGI_SUITE=trixie go test ./units/e2e -run '^$' -bench ASGI/rate -benchtime 5x
//
// runs wrk for a second each (-wrk-time), with 16 connections and with one, and with 100 for a page that waits for
// 50 ms. "kept" is uvicorn with nginx's connections kept open. The columns are those of BenchmarkWarm. Debian 13 has
// uvloop for all, Debian 12 for none; neither has httptools.
//
//	SOCKETGI_SUITE=trixie go test ./units/e2e -run '^$' -bench ASGI/cold -benchtime 100x
//
// requests one page of FastAPI at a time with Accept=yes, and from a uvicorn started for that page: by the same
// unit, whose socket starts it. uvicorn's own socket gets the request as soon as it accepts connections.
//
//	SOCKETGI_SUITE=trixie go test ./units/e2e -run '^$' -bench ASGI/fresh -benchtime 200x
//
// requests FastAPI's page with --max-requests 1 --warm-path /, twenty times a second.
func BenchmarkASGI(b *testing.B) {
	b.Run("rate", func(b *testing.B) {
		b.Run("hello", func(b *testing.B) { benchASGIRate(b, "bench", "/hello", "16", "1") })
		b.Run("json", func(b *testing.B) { benchASGIRate(b, "bench", "/json", "16", "1") })
		b.Run("fastapi", func(b *testing.B) { benchASGIRate(b, "fastapiapp", "/", "16", "1") })
		b.Run("sleep", func(b *testing.B) { benchASGIRate(b, "bench", "/sleep", "100") })
	})
	b.Run("cold", benchASGICold)
	b.Run("fresh", func(b *testing.B) {
		newBench(b).benchFresh(b, "asgi/fastapiapp.py", "FastAPI here", "--warm-path", "/")
	})
}

// asgiPeers are the other services of an application: their commands without the address, and the directives
// of nginx.
var asgiPeers = []struct{ name, command, address, nginx string }{
	{"uvicorn", "/usr/bin/python3 -m uvicorn --workers 2 --no-access-log --log-level warning", "--uds ", ""},
	{"kept", "/usr/bin/python3 -m uvicorn --workers 2 --no-access-log --log-level warning", "--uds ", "proxy_http_version 1.1; proxy_set_header Connection \"\";"},
	{"gunicorn", "/usr/bin/gunicorn --workers 2 --worker-class uvicorn.workers.UvicornWorker --log-level warning", "--bind unix:", ""},
}

// newASGISite boots a site with all contenders for an application of testdata/asgi.
func newASGISite(b *testing.B, app, page string) *warmSite {
	s := &warmSite{site: newBench(b, peers...)}
	two := []string{"--accept", "no", "--workers", "2", "--idle-exit", "0", "--access-log", "no"}
	for _, a := range adapters() {
		path := "/usr/local/lib/socketgi/" + a[0]
		s.Install(a[1], path, 0o755)
		s.ours(&s.rate, a[0], a[0], "asgi/"+app+".py", path, two...)
		if a[0] == "socketgi" {
			s.ours(&s.rate, "fresh", "fresh", "asgi/"+app+".py", path, append(two, "--max-requests", "1", "--warm-path", page)...)
		}
	}
	for _, p := range asgiPeers {
		socket := "unix:/run/" + p.name + "/sock"
		s.peer(&s.rate, p.name, p.name, p.command+" "+p.address+"/run/"+p.name+"/sock asgi."+app+":app",
			"rewrite ^/"+p.name+"(/.*)$ $1 break; proxy_set_header Host $host; "+p.nginx+" proxy_pass http://"+p.name+";")
		s.Write("/etc/nginx/conf.d/"+p.name+".conf", "upstream "+p.name+" { server "+socket+"; "+map[bool]string{true: "keepalive 100; "}[p.nginx != ""]+"}\n")
	}
	s.quietNginx()
	return s
}

// benchASGIRate measures all contenders at a path, with each number of connections.
func benchASGIRate(b *testing.B, app, path string, connections ...string) {
	s := newASGISite(b, app, path)
	want := ""
	for _, c := range s.contenders {
		s.Wait(c.unit, func() error {
			got := s.get("/" + c.unit + path)
			if got.StatusCode != 200 {
				return fmt.Errorf("%d %s", got.StatusCode, got.body)
			}
			if want == "" {
				want = got.body
			}
			require.Equal(b, want, got.body)
			return nil
		})
	}
	for b.Loop() {
		for _, n := range connections {
			for _, c := range s.contenders {
				s.wrk(c.figures, c.as, c.unit+".slice", "/"+c.unit+path, n, *wrkTime)
			}
		}
		slices.Reverse(s.contenders)
	}
	for _, c := range s.contenders {
		s.rate.add(c.as, "memory, MiB", s.memory(c.unit+".service"))
	}
	s.rate.print(b, s.site, "")
}

// benchASGICold measures a process for each page of FastAPI.
func benchASGICold(b *testing.B) {
	const want = "FastAPI here"
	s := newBench(b)
	s.Install("testdata/asgi/fastapiapp.py", "/srv/fastapiapp.py", 0o644)
	names := []string{"socketgi", "uvicorn"}
	for _, name := range names {
		s.place([]string{name, "/srv/fastapiapp.py", "--python", "/usr/bin/python3", "--user", "www-data", "--mount", "/" + name}, []string{name, "--mount", "/" + name})
	}
	s.start(names...)
	s.replaceCommand("uvicorn", "/usr/bin/python3 -m uvicorn --no-access-log --log-level warning --limit-max-requests 1 --uds "+uvicornSocket+" fastapiapp:app")
	s.Run("python3", "-m", "compileall", "-q", "/srv")
	// The code is cached as when an application is added.
	s.Run("/usr/local/bin/socketgi", "add", "socketgi", "/srv/fastapiapp.py", "--python", "/usr/bin/python3", "--user", "www-data", "--mount", "/socketgi")
	for _, name := range names {
		s.apart(name)
	}
	s.quietNginx()
	ask := map[string]func() string{
		"socketgi": func() string { return s.get("/socketgi/").body },
		"uvicorn":  s.askStarted,
	}
	var f figures
	round := func(f *figures) {
		for _, name := range names {
			s.count(f, name, func() {
				start := time.Now()
				body := ask[name]()
				f.add(name, "page, ms", ms(time.Since(start)))
				require.Equal(b, want, body)
			})
		}
	}
	for range 5 {
		round(&figures{}) // the first ones fill caches
	}
	f.names = slices.Clone(names)
	for b.Loop() {
		round(&f)
		slices.Reverse(names)
	}
	f.print(b, s, "")
}

// uvicornSocket is the socket of a uvicorn that is started for one request.
const uvicornSocket = "/srv/open/uvicorn.sock"

// askStarted has systemd start uvicorn, and requests a page when uvicorn listens.
func (s *site) askStarted() string {
	s.t.Helper()
	starts, err := net.Dial("unix", s.Path("/run/socketgi/uvicorn.sock"))
	require.NoError(s.t, err)
	defer starts.Close()
	client := s.Client(uvicornSocket)
	defer client.CloseIdleConnections()
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		resp, err := client.Get("http://localhost/")
		if err == nil {
			body, err := io.ReadAll(resp.Body)
			require.NoError(s.t, err)
			require.Equal(s.t, http.StatusOK, resp.StatusCode)
			resp.Body.Close()
			return strings.TrimSpace(string(body))
		}
		require.Less(s.t, time.Since(began), time.Minute, "%v", err)
	}
}
