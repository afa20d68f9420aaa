// Package scgi speaks the Simple Common Gateway Interface, the protocol in
// which nginx, Apache httpd, lighttpd and others hand a request to a program:
// one netstring of NUL-separated names and values, then the body, over one
// connection per request (protocol.txt, 2008, https://python.ca/scgi/protocol.txt).
//
// [ReadRequest] decodes a request, [AppendRequest] encodes one, and [Conn] is
// a connection as a service manager hands it over. Everything that a web
// server may send wrong has an error of its own; see [RequestError].
//
// The package knows no net and no net/http: a process that is started for a
// single connection pays for every import at each start.
package scgi
