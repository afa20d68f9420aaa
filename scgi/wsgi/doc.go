// Package wsgi puts a WSGI application (PEP 3333) behind a request: it finds the application
// and its Python, and has a process of its own answer a request, or load the application only.
//
// The process takes the request from a socket that it inherited - its variables, the body, the
// connection itself - answers on that connection, and reports what became of it; the response
// never passes through this process. Package pool keeps such processes for many requests.
package wsgi
