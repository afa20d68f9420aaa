package scgihttp

import (
	"net/http"
	"strings"
)

// ProcessEnv returns the variables of a request that an http.Request doesn't contain, such as REMOTE_USER, as
// net/http/fcgi does. If the web server repeats a variable, the last value counts, as in nginx. Each call
// creates a new map. It is nil for a request that [Server] didn't create.
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

// SocketName returns the name of the socket on which a request arrived, if this process received several:
// FileDescriptorName= of the socket unit, by default the unit's name. It is "" for a socket without a name.
func SocketName(r *http.Request) string {
	if c, ok := r.Context().Value(contextKey{}).(*requestContext); ok {
		return c.socket
	}
	return ""
}
