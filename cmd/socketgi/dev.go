package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/access"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/dev"
	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/scgihttp"
	"github.com/socketgi/socketgi/units"
	"github.com/spf13/cobra"
)

func newDev() *cobra.Command {
	var listen, mount, adapter string
	var a appFlags
	cmd := &cobra.Command{
		Use:   "dev APP | dev --cgi -- PROGRAM [ARG...] | dev --cgi-root DIR",
		Short: "Serve an application on this machine, each request in a fresh process",
		Long: `Serve an application over HTTP for its developer: every request gets a process of
its own, exactly as from a socket unit with Accept=yes. Edit a file, reload the
page, see the change. A traceback is shown in the browser and here.

It runs as whoever says this. Root is refused what somebody else can write.

` + appHelp,
		Example: "  socketgi dev hello.py\n  socketgi dev mysite.wsgi:application --listen 127.0.0.1:8000\n" +
			"  socketgi dev --cgi ./hello.cgi",
		Args: a.words(),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := a.resolve(args)
			if err != nil {
				return err
			}
			if err := dev.RootMayRun(slices.Concat([]string{app.dir}, app.files, app.folders), app.trees); err != nil {
				return err
			}
			if err := units.CheckMount(mount); err != nil {
				return err
			}
			mount = strings.TrimRight(mount, "/")
			if adapter == "" {
				if adapter, err = findAdapter(); err != nil {
					return err
				}
			} else if !isProgram(adapter) {
				return fmt.Errorf("--adapter %s: there is no program", adapter)
			}
			for _, text := range append(a.passed, app.refused...) {
				fmt.Fprintln(cmd.ErrOrStderr(), "socketgi: warning: "+text)
			}
			argv := []string{adapter, "--debug", "--mount", mount}
			if dir := devCache(); dir != "" {
				argv = append(argv, "--cache", dir)
			}
			return serveDev(cmd.OutOrStdout(), listen, mount, app.label, a.runs, append(argv, app.words...))
		},
	}
	f := cmd.Flags()
	f.StringVar(&listen, "listen", "127.0.0.1:8080", "serve HTTP at `ADDRESS`")
	f.StringVar(&mount, "mount", "", "serve the application below `/PREFIX`")
	f.StringVar(&adapter, "adapter", "", "`PATH` of socketgi-adapter")
	a.define(cmd)
	return cmd
}

// devCache is where workers keep cached code; without a home there is none.
func devCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	dir += "/socketgi"
	if os.MkdirAll(dir, 0o700) != nil || os.Geteuid() == 0 && access.WritableByOthers(dir) != "" {
		return ""
	}
	return dir
}

// serveDev serves until it is told to stop.
func serveDev(out io.Writer, listen, mount, app, python string, argv []string) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("%s is taken by another program: say --listen HOST:PORT with a free one", listen)
		}
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	if python != "" {
		python = "Python: " + python + "\n"
	}
	fmt.Fprintf(out, "serving %s, each request in a fresh process; Ctrl-C ends it\n"+
		"look at http://%s%s/\n%s"+
		"your own: socketgi dev FILE.py | FILE.py:CALLABLE | package.module:CALLABLE\n", app, l.Addr(), mount, python)

	spawner := newSpawner(argv)
	srv := &http.Server{
		Handler:           devHandler(mount, &devTransport{scgihttp.Transport{Dial: spawner.dial, Mount: mount}}),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	select {
	case err = <-served:
	case <-ctx.Done():
		err = nil
	}
	srv.Close()
	spawner.end()
	return err
}

// devTransport passes a request on with the target that the browser sent.
type devTransport struct{ scgihttp.Transport }

func (t *devTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	one := t.Transport
	one.Params = []scgi.Header{{Name: "REQUEST_URI", Value: r.RequestURI}} // the last one counts
	if r.Header.Get("User-Agent") == "" {
		r.Header.Del("User-Agent") // httputil adds an empty one
	}
	return one.RoundTrip(r)
}

func devHandler(mount string, t http.RoundTripper) http.Handler {
	proxy := &httputil.ReverseProxy{
		Transport:     t,
		FlushInterval: -1, // each chunk leaves when the application yields it
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", r.In.Host
			r.Out.Host = r.In.Host
			// What httputil has cleaned is for the application to see, as behind nginx.
			r.Out.URL.RawQuery = r.In.URL.RawQuery
			r.Out.RequestURI = originForm(r.In.RequestURI)
			for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
				if values, ok := r.In.Header[name]; ok {
					r.Out.Header[name] = values
				}
			}
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() != nil {
				panic(http.ErrAbortHandler) // returning would be a 200
			}
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
		ErrorLog: log.New(io.Discard, "", 0), // the adapter has the better words for it
	}
	// Not a http.ServeMux, which redirects where nginx merges.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, ok := mergedPath(r.URL.Path)
		switch {
		case !ok:
			http.Error(w, "no request has such a path: nginx answers 400, too", http.StatusBadRequest)
		case path != mount && !strings.HasPrefix(path, mount+"/"):
			http.Redirect(w, r, mount+"/", http.StatusFound)
		default:
			merged, u := *r, *r.URL
			u.Path, u.RawPath = path, ""
			merged.URL = &u
			proxy.ServeHTTP(w, &merged)
		}
	})
}

// originForm takes scheme and host off a request target (RFC 9112, 3.2), as nginx does for
// $request_uri.
func originForm(target string) string {
	if _, rest, ok := strings.Cut(target, "://"); ok && target[0] != '/' {
		i := strings.IndexAny(rest, "/?")
		switch {
		case i < 0:
			return "/"
		case rest[i] == '?':
			return "/" + rest[i:]
		}
		return rest[i:]
	}
	return target
}

// mergedPath is what nginx makes of a decoded path ($document_uri): slashes that follow each
// other are one, and . and .. lead where they do in a file system. It is not ok where that is
// above the first slash.
func mergedPath(path string) (merged string, ok bool) {
	if path == "" || path[0] != '/' || strings.IndexByte(path, 0) >= 0 {
		return "", false
	}
	segments := strings.Split(path[1:], "/")
	var kept []string
	for i, s := range segments {
		last := i == len(segments)-1
		switch s {
		case "..":
			if len(kept) == 0 {
				return "", false
			}
			kept = kept[:len(kept)-1]
		case "", ".":
		default:
			if kept = append(kept, s); last {
				return "/" + strings.Join(kept, "/"), true
			}
		}
	}
	if len(kept) == 0 {
		return "/", true
	}
	return "/" + strings.Join(kept, "/") + "/", true
}
