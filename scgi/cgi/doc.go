// Package cgi answers requests with CGI programs (RFC 3875).
//
// A program is started for each request, with an environment built from the request, the body as a
// file on its standard input, and a pipe for its response. The head of the response is checked before
// anything is sent; the kernel then moves the body from the pipe to the connection (splice(2)).
package cgi
