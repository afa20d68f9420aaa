// Package worker starts Python processes that load a WSGI application, and exchanges messages with
// them: a [Single] serves one request, a [Warm] many, and a [Parent] forks warm workers.
//
// A worker receives jobs on an inherited socket. A job is the variables of a request, the body, and
// the connection itself. The worker sends the response on that connection, and reports the result.
// runtime/job.py describes the messages.
package worker
