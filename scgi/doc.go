// Package scgi implements the Simple Common Gateway Interface, by which nginx, Apache httpd, lighttpd and
// others pass a request to a program: one netstring of NUL-separated names and values, then the body,
// over one connection per request (protocol.txt, 2008, https://python.ca/scgi/protocol.txt).
//
// [ReadRequest] decodes a request, [AppendRequest] encodes one, and [Conn] is a connection as a service
// manager passes it. Every kind of invalid request has its own error; see [RequestError].
//
// The package imports neither net nor net/http: a process for a single connection pays for every import
// at each start.
package scgi
