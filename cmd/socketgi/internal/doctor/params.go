package doctor

import (
	"errors"
	"fmt"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/scgi"
)

// judgeParams judges what the application gets to know of a request.
func judgeParams(app *host.Application, r route, f *findings) {
	place := r.pass.Place()
	params := map[string]string{}
	for _, p := range r.level.Here("scgi_param") {
		params[p.Arg(0)] = p.Arg(1)
	}
	if params["REQUEST_METHOD"] == "" || params["SCGI"] != "1" {
		why := "requests without REQUEST_METHOD and SCGI are refused with 400"
		if own := r.level.Here("scgi_param"); len(own) > 0 && own[0].Up == r.level {
			why += "; a scgi_param hides all those of the levels above"
		}
		f.fail(place+": scgi_params is not included", why, insert(r, "include scgi_params;"))
		return
	}
	judgeProxy(r, params, f)
	if length := params["CONTENT_LENGTH"]; length != "" {
		f.note(place+": scgi_param CONTENT_LENGTH "+length+", and nginx counts the body by itself", "two different lengths are refused with 400",
			edit(paramFile(r, "CONTENT_LENGTH"), `s/scgi_param\s\+CONTENT_LENGTH\s[^;]*;//`))
	}
	switch params["HTTP_HOST"] {
	case "$host":
		f.note(place+": HTTP_HOST is $host, which has no port", "redirects of a server on another port than 80 and 443 go to those", setHost(r))
	case "$http_host":
		f.note(place+": HTTP_HOST is $http_host, which need not be the host that nginx has chosen the server by",
			"a client can have another one in its request line, and the application's links and redirects then lead to a host that nobody has checked", setHost(r))
	}
	e, err := makeExample(r, app.Adapter.Mount)
	var refused *scgi.RequestError
	switch {
	case errors.As(err, &refused):
		f.fail(place+": the application's side refuses what is sent: "+err.Error(), "", "socketgi nginx "+app.Name)
	case err != nil:
		f.note(place+": "+err.Error(), "", "")
	case e.unsure != "":
		f.note(place+": what SCRIPT_NAME and PATH_INFO are depends on "+e.unsure, "", "")
	case e.script+e.info != e.path:
		f.fail(fmt.Sprintf("%s: %s has SCRIPT_NAME=%q PATH_INFO=%q, which together are another path", place, e.path, e.script, e.info),
			"the application takes requests for others, and its links lead nowhere", mendPath(app, e))
	case e.script == "" && e.prefix != "" && !e.exact:
		what := fmt.Sprintf("%s: the location is %s, and nothing says so to the application: %s has SCRIPT_NAME=\"\" PATH_INFO=%q", place, e.prefix, e.path, e.info)
		if mount := app.Adapter.Mount; mount != "" {
			what += "; --mount is " + mount
		}
		f.warn(what, "its links leave that prefix out, and its routes have to have it", setParam(r, "SCRIPT_NAME", e.prefix))
	}
}

func mendPath(app *host.Application, e *example) string {
	mend := "socketgi nginx " + app.Name
	if e.prefix != "" {
		mend += " --mount " + shell(e.prefix)
	} else if mount := app.Adapter.Mount; mount != "" {
		mend += " --mount " + shell(mount)
	}
	return mend + ", and take its location"
}

// judgeProxy looks for headers of a client that become variables which programs take
// for their own settings (httpoxy, CVE-2016-5385).
func judgeProxy(r route, params map[string]string, f *findings) {
	for name, value := range params {
		if strings.EqualFold(name, "HTTP_PROXY") && value != "" || strings.Contains(value, "$http_proxy") {
			f.fail(fmt.Sprintf("%s: scgi_param %s %s hands a client's Proxy header on", r.pass.Place(), name, value),
				"programs take it for the proxy of this machine, and send their requests to whom the client names (httpoxy, CVE-2016-5385)",
				edit(paramFile(r, name), `/scgi_param\s\+%s\s/d`, name))
		}
	}
	server := r.level.In("server")
	if r.level.Value("underscores_in_headers", "off") == "on" && server != nil {
		f.warn(r.pass.Place()+": headers with underscores are let in (underscores_in_headers on)",
			"X_Forwarded_For of a client can't be told from X-Forwarded-For of a proxy", "remove underscores_in_headers from nginx's configuration, then: "+reload)
	}
	if r.level.Value("scgi_pass_request_headers", "on") == "off" {
		f.warn(r.pass.Place()+": scgi_pass_request_headers off", "the application sees neither cookies nor any other header of the client", set(r, "scgi_pass_request_headers", "on"))
	}
}

func paramFile(r route, name string) string {
	for _, p := range r.level.Here("scgi_param") {
		if p.Arg(0) == name {
			return p.File
		}
	}
	return r.pass.File
}
