package dev

import (
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/failure"
	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/scgihttp"
)

// transport passes a request on with the target that the browser sent.
type transport struct{ scgihttp.Transport }

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	one := t.Transport
	one.Params = []scgi.Header{{Name: "REQUEST_URI", Value: r.RequestURI}} // the last one counts
	if r.Header.Get("User-Agent") == "" {
		r.Header.Del("User-Agent") // httputil adds an empty one
	}
	return one.RoundTrip(r)
}

// handler passes requests below mount on as nginx would, and redirects others there.
func handler(mount string, t http.RoundTripper) http.Handler {
	proxy := &httputil.ReverseProxy{
		Transport:     t,
		FlushInterval: -1, // each chunk leaves when the application yields it
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", r.In.Host
			r.Out.Host = r.In.Host
			// httputil cleans the query; the application sees it as it was sent, as behind nginx.
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
			http.Error(w, failure.Text(err), http.StatusBadGateway)
		},
		ErrorLog: log.New(io.Discard, "", 0), // the adapter logs the same, and the reason
	}
	// Not a http.ServeMux, which redirects where nginx merges.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, ok := mergedPath(r.URL.Path)
		switch {
		case !ok:
			http.Error(w, "invalid path: nginx answers 400, too", http.StatusBadRequest)
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
