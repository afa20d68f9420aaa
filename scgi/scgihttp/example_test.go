package scgihttp_test

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/scgihttp"
)

// A program behind a socket unit, with Accept=yes or Accept=no.
func ExampleServe() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello, %s\n", scgihttp.ProcessEnv(r)["REMOTE_USER"])
	})
	if err := scgihttp.Serve(nil, nil); err != nil {
		log.Fatal(err)
	}
}

// A warm service that exits after five minutes without a request.
func ExampleServer() {
	srv := &scgihttp.Server{Handler: http.FileServer(http.Dir("/srv/www")), IdleExit: 5 * time.Minute}
	if err := srv.Serve(nil); err != nil {
		log.Fatal(err)
	}
}

// An HTTP front for an SCGI application.
func ExampleTransport() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "app.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	go func() {
		_ = scgihttp.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s %s", r.Method, r.URL.Path)
		}))
	}()

	front := httptest.NewServer(&httputil.ReverseProxy{
		Transport: &scgihttp.Transport{Address: "unix:" + socket},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", r.In.Host, r.In.Host
		},
	})
	defer front.Close()
	resp, err := http.Get(front.URL + "/path")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Println(string(body), err)
	// Output: GET /path <nil>
}

// Variables of the web server beside the request itself: the authenticated user, for instance.
func ExampleProcessEnv() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", filepath.Join(dir, "app.sock"))
	if err != nil {
		log.Fatal(err)
	}
	srv := &scgihttp.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello, %s", scgihttp.ProcessEnv(r)["REMOTE_USER"])
	})}
	defer srv.Close()
	go func() { _ = srv.Serve(l) }()

	client := &http.Client{Transport: &scgihttp.Transport{
		Address: "unix:" + l.Addr().String(),
		Params:  []scgi.Header{{Name: "REMOTE_USER", Value: "ada"}},
	}}
	resp, err := client.Get("http://app/")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Println(string(body), err)
	// Output: Hello, ada <nil>
}
