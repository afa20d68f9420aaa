package doctor

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
)

// wholeBodies is the first nginx that sends the whole body with scgi_request_buffering off.
var wholeBodies = version{1, 29, 6}

// judgeBodies looks at what becomes of uploads.
func judgeBodies(app *host.Application, nginx version, r route, f *findings) {
	place := r.pass.Place()
	if r.level.Value("scgi_request_buffering", "on") == "off" && (nginx == version{} || nginx.before(wholeBodies)) {
		f.fail("request-buffering", fmt.Sprintf("%s: scgi_request_buffering off, and nginx is %v", place, nginx),
			"before "+wholeBodies.String()+" nginx then announces less than it has of a chunked upload: the body is cut, and refused with 400", set(r, "scgi_request_buffering", "on"))
	}
	if r.level.Value("scgi_pass_request_body", "on") == "off" && !saysNoBody(r) {
		f.warn("request-body", place+": scgi_pass_request_body off", "the application waits for a body that never comes; "+
			`for subrequests (auth_request, SSI) say scgi_param CONTENT_LENGTH ""; scgi_param HTTP_CONTENT_LENGTH ""; too`,
			set(r, "scgi_pass_request_body", "on"))
	}
	own := app.Adapter.Limits.BodyBytes
	theirs, ok := nginxconf.Size(r.level.Value("client_max_body_size", "1m"))
	if ok && own > 0 && theirs > 0 && theirs < own {
		f.note("client-max-body-size", fmt.Sprintf("%s: nginx refuses bodies over %d bytes with %d (client_max_body_size), and --max-body is %d", place, theirs, http.StatusRequestEntityTooLarge, own),
			"", set(r, "client_max_body_size", strconv.FormatInt(own, 10)))
	}
}

// judgeSubrequests looks whether auth_request asks where nobody says that such a request has no
// body: the adapter can't tell it then from one of which nginx has cut the body, and refuses it.
func judgeSubrequests(app *host.Application, web *webServer, r route, f *findings) {
	if saysNoBody(r) || web.version != (version{}) && !web.version.before(wholeBodies) {
		return
	}
	server := r.level.In("server")
	if server == nil {
		return
	}
	var asked *nginxconf.Directive
	nginxconf.Walk(web.conf, func(d *nginxconf.Directive) {
		if d.Name == "auth_request" && asked == nil && d.In("server") == server && r.location() != nil && locate(server.Block, d.Arg(0)) == r.location() {
			asked = d
		}
	})
	if asked != nil {
		f.warn("auth-request-body", fmt.Sprintf("%s: auth_request %s asks the application at %s, and nothing says there that such a request has no body", asked.Place(), asked.Arg(0), r.pass.Place()),
			"whatever a client sends with a body is refused",
			"").Do = fmt.Sprintf("use the locations of: socketgi nginx %s --auth-request --mount /_%[1]s; and auth_request /_%[1]s", app.Name)
	}
}

// saysNoBody tells whether the application is told that there is no body.
func saysNoBody(r route) bool {
	none := false
	for _, p := range r.level.Here("scgi_param") {
		if name := p.Arg(0); name == "CONTENT_LENGTH" || name == "HTTP_CONTENT_LENGTH" {
			none = p.Arg(1) == ""
		}
	}
	return none
}
