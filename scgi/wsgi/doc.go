// Package wsgi puts a WSGI application (PEP 3333) behind a request.
//
// A worker is a Python process that has the application. It takes a job from a
// socket that it inherited - the header block, the body, the connection itself -
// answers on that connection, and reports what became of it; the response never
// passes through this process. runtime/job.py says how the messages look.
package wsgi
