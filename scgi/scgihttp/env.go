package scgihttp

import (
	"net/http"
	"strings"
)

// ProcessEnv returns the variables that came with a request and have no place in an
// http.Request, REMOTE_USER for one; as net/http/fcgi has it. Of a variable that the
// web server's configuration repeats the last counts, as nginx has it. Each call makes
// a new map. It is nil for a request that [Server] didn't make.
func ProcessEnv(r *http.Request) map[string]string {
	c, ok := r.Context().Value(contextKey{}).(*requestContext)
	if !ok {
		return nil
	}
	env := make(map[string]string)
	for name, value := range c.req.Headers() {
		switch name {
		// Variables that an http.Request contains, the same list as that of net/http/fcgi, and the
		// protocol's own mark.
		case "CONTENT_LENGTH", "CONTENT_TYPE", "HTTPS", "PATH_INFO", "QUERY_STRING", "REMOTE_ADDR", "REMOTE_HOST",
			"REMOTE_PORT", "REQUEST_METHOD", "REQUEST_URI", "SCRIPT_NAME", "SERVER_PROTOCOL", "SCGI":
		default:
			if !strings.HasPrefix(name, "HTTP_") {
				env[name] = value
			}
		}
	}
	return env
}

// SocketName returns the name of the socket by which a request came, when this process
// was handed more than one: what FileDescriptorName= says in the socket unit, by default
// the unit's name. It is empty when the socket has none.
func SocketName(r *http.Request) string {
	if c, ok := r.Context().Value(contextKey{}).(*requestContext); ok {
		return c.socket
	}
	return ""
}
