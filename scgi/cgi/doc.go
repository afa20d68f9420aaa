// Package cgi puts a CGI program (RFC 3875) behind a request.
//
// A program is started for each request, with an environment that is built for
// it, the body as a file on its standard input, and a pipe for what it answers.
// The head of its answer is checked before anything is sent; the body then goes
// from the pipe to the connection inside of the kernel.
package cgi
