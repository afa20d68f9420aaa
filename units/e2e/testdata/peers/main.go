// Command peers serves the same page by three protocols, on unix sockets in the
// folder that is its argument: scgi, fcgi and http.
package main

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
	"path/filepath"

	"github.com/socketgi/socketgi/scgi/scgihttp"
)

func main() {
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "Hello world!\n")
	})
	listen := func(name string) net.Listener {
		path := filepath.Join(os.Args[1], name)
		l, err := net.Listen("unix", path)
		if err != nil {
			log.Fatal(err)
		}
		_ = os.Chmod(path, 0o777) // nginx's workers are another user
		return l
	}
	scgiL, fcgiL, httpL := listen("scgi"), listen("fcgi"), listen("http")
	failed := make(chan error)
	go func() { failed <- scgihttp.Serve(scgiL, hello) }()
	go func() { failed <- fcgi.Serve(fcgiL, hello) }()
	go func() { failed <- http.Serve(httpL, hello) }()
	log.Fatal(<-failed)
}
