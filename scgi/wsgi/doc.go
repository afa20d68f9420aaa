// Package wsgi answers requests with WSGI applications (PEP 3333): it finds the application and its
// Python, and starts a process that answers one request, or only loads the application.
//
// The process receives the request on an inherited socket: its variables, its body, and the connection
// itself. It sends the response on that connection, and reports the result; the response never passes
// through this process. Package pool keeps such processes for many requests.
package wsgi
