package doctor

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
)

// wholeBodies is the first version of nginx that sends the whole body with scgi_request_buffering off.
var wholeBodies = version{1, 29, 6}

// judgeBodies judges the directives for request bodies.
func judgeBodies(app *host.Application, nginx version, r route, f *findings) {
	place := r.pass.Place()
	if r.level.Value("scgi_request_buffering", "on") == "off" && (nginx == version{} || nginx.before(wholeBodies)) {
		f.fail("request-buffering", fmt.Sprintf("%s: scgi_request_buffering off, and nginx is %v", place, nginx),
			"nginx before "+wholeBodies.String()+" announces less than the whole body of a chunked upload: the request is refused with 400", set(r, "scgi_request_buffering", "on"))
	}
	if r.level.Value("scgi_pass_request_body", "on") == "off" && !saysNoBody(r) {
		f.warn("request-body", place+": scgi_pass_request_body off", "the application waits for a body that never arrives; "+
			`for subrequests (auth_request, SSI) set scgi_param CONTENT_LENGTH ""; scgi_param HTTP_CONTENT_LENGTH ""; too`,
			set(r, "scgi_pass_request_body", "on"))
	}
	own := app.Adapter.Limits.BodyBytes
	theirs, ok := nginxconf.Size(r.level.Value("client_max_body_size", "1m"))
	if ok && own > 0 && theirs > 0 && theirs < own {
		f.note("client-max-body-size", fmt.Sprintf("%s: nginx refuses bodies over %d bytes with %d (client_max_body_size), and --max-body is %d", place, theirs, http.StatusRequestEntityTooLarge, own),
			"", set(r, "client_max_body_size", strconv.FormatInt(own, 10)))
	}
}

// judgeSubrequests looks for auth_request to a location that doesn't declare an empty body: the adapter
// can't distinguish such a request from one with a truncated body, and refuses it.
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
		f.warn("auth-request-body", fmt.Sprintf("%s: auth_request %s sends subrequests to the application at %s, where no scgi_param declares that they have no body", asked.Place(), asked.Arg(0), r.pass.Place()),
			"every request with a body is refused",
			"").Do = fmt.Sprintf("use the locations of: socketgi nginx %s --auth-request --mount /_%[1]s; and auth_request /_%[1]s", app.Name)
	}
}

// saysNoBody reports whether the location declares an empty body.
func saysNoBody(r route) bool {
	none := false
	for _, p := range r.level.Here("scgi_param") {
		if name := p.Arg(0); name == "CONTENT_LENGTH" || name == "HTTP_CONTENT_LENGTH" {
			none = p.Arg(1) == ""
		}
	}
	return none
}
