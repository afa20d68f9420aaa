// Package scgihttp is the bridge between SCGI and net/http. [Transport] is the
// client's side: an http.RoundTripper that hands requests to an SCGI application,
// so that httputil.ReverseProxy becomes an HTTP front for it.
package scgihttp
