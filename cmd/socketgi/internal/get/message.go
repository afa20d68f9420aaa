package get

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"strings"

	"github.com/socketgi/socketgi/scgi"
)

// idParam names the request for the adapter's log, as nginx does.
func idParam(id string) []scgi.Header { return []scgi.Header{{Name: "UNIQUE_ID", Value: id}} }

// request makes the request, which looks like one of a browser on this machine.
func (g *Request) request(ctx context.Context, in io.Reader) (r *http.Request, id string, err error) {
	u, err := g.url()
	if err != nil {
		return nil, "", err
	}
	method := g.Method
	if method == "" {
		method = http.MethodGet
		if g.HasData {
			method = http.MethodPost
		}
	}
	body, length, err := g.body(in)
	if err != nil {
		return nil, "", err
	}
	if r, err = http.NewRequestWithContext(ctx, method, "http://localhost/", body); err != nil {
		return nil, "", fmt.Errorf("-X %s: %w", method, err)
	}
	if length >= 0 {
		r.ContentLength = length
	}
	r.URL, r.RemoteAddr = u, "127.0.0.1:0"
	r.Header.Set("User-Agent", "socketgi")
	r.Header.Set("Accept", "*/*")
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	given := http.Header{}
	for _, h := range g.Headers {
		name, value, ok := strings.Cut(h, ":")
		name, value = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)), strings.TrimSpace(value)
		switch {
		case !ok || name == "" || strings.ContainsAny(value, "\r\n\x00"):
			return nil, "", fmt.Errorf("-H %q is not a header: expected 'NAME: VALUE'", h)
		case strings.ContainsFunc(name, notInNames):
			return nil, "", fmt.Errorf("-H %q: web servers drop headers with other characters than letters, digits and dashes", h)
		case name == "Content-Length":
			return nil, "", fmt.Errorf("-H %q: the length is computed from the body", h)
		case name == "Host":
			r.Host = value
			continue
		}
		given.Add(name, value)
	}
	for name, values := range given {
		r.Header[name] = values
	}
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return r, hex.EncodeToString(b[:]), nil
}

func notInNames(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-')
}

// url returns the URL of the request, below the mount.
func (g *Request) url() (*url.URL, error) {
	path := g.Path
	if path != "" && path[0] != '/' && path[0] != '?' {
		path = "/" + path
	}
	path = strings.TrimRight(g.Mount, "/") + path
	if path == "" || path[0] == '?' {
		path = "/" + path
	}
	path, _, _ = strings.Cut(path, "#") // no client sends it
	u, err := url.ParseRequestURI(path)
	if err != nil {
		return nil, fmt.Errorf("%q is not a path: %w", g.Path, err)
	}
	u.Scheme, u.Host = "http", "localhost"
	return u, nil
}

// body opens the body of -d; a length of -1 is unknown.
func (g *Request) body(in io.Reader) (io.Reader, int64, error) {
	name, isFile := strings.CutPrefix(g.Data, "@")
	switch {
	case !g.HasData:
		return nil, 0, nil
	case g.Data == "":
		return http.NoBody, 0, nil
	case !isFile:
		return strings.NewReader(g.Data), int64(len(g.Data)), nil
	case name == "-":
		return in, -1, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return f, -1, nil
	}
	return f, info.Size(), nil
}
