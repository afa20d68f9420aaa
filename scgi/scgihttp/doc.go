// Package scgihttp is the bridge between SCGI and net/http, for both sides.
//
// [Serve] and [Server] answer SCGI requests with an http.Handler, as net/http/fcgi
// and net/http/cgi do for their protocols:
//
//	if err := scgihttp.Serve(nil, handler); err != nil {
//		log.Fatal(err)
//	}
//
// serves whatever systemd or inetd handed to this process, one connection or
// listening sockets.
//
// [Transport] is the client's side: an http.RoundTripper that hands requests to an
// SCGI application, so that httputil.ReverseProxy becomes an HTTP front for it.
package scgihttp
