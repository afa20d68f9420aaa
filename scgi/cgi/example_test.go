package cgi_test

import (
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/cgi"
	"golang.org/x/sys/unix"
)

// A request of a web server is answered by a program.
func ExampleConfig_Start() {
	// The service manager passes a connection to the web server.
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		log.Fatal(err)
	}
	webServer := os.NewFile(uintptr(pair[1]), "web server")
	sent, _ := scgi.AppendRequest(nil, 0, []scgi.Header{{Name: "REQUEST_METHOD", Value: "GET"}, {Name: "QUERY_STRING", Value: "name=x"}})
	if _, err := webServer.Write(sent); err != nil {
		log.Fatal(err)
	}

	conn := scgi.NewConn(pair[0])
	req, err := scgi.ReadRequest(conn, nil)
	if err != nil {
		log.Fatal(err)
	}
	params, err := req.Params("")
	if err != nil {
		log.Fatal(err)
	}
	cfg := &cgi.Config{Program: "/bin/sh", Args: []string{"-c", `printf 'Content-Type: text/plain\n\n'; echo "$QUERY_STRING"`}}
	p, problem := cfg.Start(params, req.Body)
	if problem != nil {
		log.Fatal(problem.Text)
	}
	res := p.Serve(conn.FD())
	if res.Problem != nil {
		log.Print(res.Problem.Text)
	}
	p.Wait()
	p.Close()

	answer, err := io.ReadAll(webServer)
	webServer.Close()
	conn.Finish(time.Second) // returns when the web server has closed its side
	fmt.Printf("%q %v\n", answer, err)
	fmt.Println(res.Status, res.Bytes)
	// Output:
	// "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nname=x\n" <nil>
	// 200 7
}
