// Package scgihttp connects SCGI and net/http, for servers and clients.
//
// [Serve] and [Server] answer SCGI requests with an http.Handler, as net/http/fcgi
// and net/http/cgi do for their protocols:
//
//	if err := scgihttp.Serve(nil, handler); err != nil {
//		log.Fatal(err)
//	}
//
// serves the sockets that systemd or inetd has passed to this process: one connection, or listening
// sockets.
//
// [Transport] is the client's side: an http.RoundTripper that sends requests to an SCGI application, so
// that httputil.ReverseProxy can serve it over HTTP.
package scgihttp
