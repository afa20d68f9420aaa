package scgi_test

import (
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/socketgi/socketgi/scgi"
)

// A request as nginx sends it, and what an application sees of it.
func ExampleReadRequest() {
	header := []scgi.Header{
		{"CONTENT_LENGTH", "3"}, {"SCGI", "1"}, {"REQUEST_METHOD", "POST"}, {"REQUEST_URI", "/hello/world?x=1"},
		{"QUERY_STRING", "x=1"}, {"DOCUMENT_URI", "/hello/world"}, {"HTTP_PROXY", "http://elsewhere/"},
	}
	wire := string(scgi.AppendHeader(nil, header)) + "abc"

	req, err := scgi.ReadRequest(strings.NewReader(wire), nil)
	if err != nil {
		log.Fatal(err)
	}
	params, err := req.Params("/hello")
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range params {
		fmt.Printf("%s=%s\n", p.Name, p.Value)
	}
	fmt.Printf("%s\n", req.Body.Data)
	// Unordered output:
	// CONTENT_LENGTH=3
	// SCGI=1
	// REQUEST_METHOD=POST
	// REQUEST_URI=/hello/world?x=1
	// QUERY_STRING=x=1
	// DOCUMENT_URI=/hello/world
	// SCRIPT_NAME=/hello
	// PATH_INFO=/world
	// SERVER_NAME=localhost
	// SERVER_PORT=80
	// SERVER_PROTOCOL=HTTP/1.0
	// abc
}

// The error of a request has a status for the client.
func ExampleRequestError() {
	_, err := scgi.ReadRequest(strings.NewReader("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"), nil)
	var wrong *scgi.RequestError
	if errors.As(err, &wrong) {
		fmt.Println(scgi.StatusLine(wrong.Status))
		fmt.Println(wrong)
	}
	fmt.Println(errors.Is(err, scgi.ErrLength))
	// Output:
	// 400 Bad Request
	// scgi: the request does not begin with the length of a netstring: does the web server speak SCGI? (400)
	// true
}

// The header that a client sends; the body follows.
func ExampleAppendRequest() {
	wire, err := scgi.AppendRequest(nil, 5, []scgi.Header{{"REQUEST_METHOD", "PUT"}, {"REQUEST_URI", "/file"}})
	fmt.Printf("%q %v\n", append(wire, "hello"...), err)
	_, err = scgi.AppendRequest(nil, 0, []scgi.Header{{"CONTENT_LENGTH", "7"}})
	fmt.Println(errors.Is(err, scgi.ErrEncode))
	// Output:
	// "61:CONTENT_LENGTH\x005\x00SCGI\x001\x00REQUEST_METHOD\x00PUT\x00REQUEST_URI\x00/file\x00,hello" <nil>
	// true
}
