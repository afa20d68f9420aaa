// Package worker starts processes of Python that have a WSGI application loaded, and speaks
// with them: a [Single] serves one request, a [Warm] many, and a [Parent] forks such workers.
//
// A worker takes jobs from a socket that it inherited. A job is the variables of a request, the
// body, and the connection itself. The worker answers on that connection, and reports what
// became of it. runtime/job.py says how the messages look.
package worker
