package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/failure"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
	"github.com/socketgi/socketgi/scgi"
)

// judgeParams judges the variables that the application receives.
func judgeParams(app *host.Application, r route, f *findings) {
	place := r.pass.Place()
	params := map[string]string{}
	for _, p := range r.level.Here("scgi_param") {
		params[p.Arg(0)] = p.Arg(1)
	}
	if params["REQUEST_METHOD"] == "" || params["SCGI"] != "1" {
		why := "requests without REQUEST_METHOD and SCGI are refused with 400"
		if own := r.level.Here("scgi_param"); len(own) > 0 && own[0].Up == r.level {
			why += "; a scgi_param at this level disables all those of the levels above"
		}
		f.fail("scgi-params", place+": scgi_params is not included", why, insert(r, "include scgi_params;"))
		return
	}
	judgeProxy(r, params, f)
	if length := params["CONTENT_LENGTH"]; length != "" {
		level, why := Warning, "a chunked upload then has two different lengths, which are refused with 400"
		if !strings.Contains(length, "$") {
			level, why = Error, "each request has two different lengths, which are refused with 400"
		}
		f.add("content-length", level, place+": scgi_param CONTENT_LENGTH "+length+", but nginx sends the length itself", why,
			removeParam(r, "CONTENT_LENGTH"))
	}
	switch params["HTTP_HOST"] {
	case "$host":
		f.note("http-host", place+": HTTP_HOST is $host, which has no port", "redirects of a server on another port than 80 and 443 lose the port", setHost(r))
	case "$http_host":
		f.note("http-host-unsafe", place+": HTTP_HOST is $http_host, which need not be the host that nginx has chosen the server by",
			"a client can send another host in its request line: links and redirects then lead to a host that nginx didn't check", setHost(r))
	}
	e, err := makeExample(r, app.Adapter.Mount)
	var refused *scgi.RequestError
	switch {
	case errors.As(err, &refused):
		f.fail("request-refused", place+": the adapter refuses the requests of nginx: "+failure.Text(err), "the web server gets 400 for every request", "").Do = "use the location of: socketgi nginx " + app.Name
	case err != nil:
		f.note("path-unknown", place+": "+failure.Text(err), "", "")
	case e.unsure != "":
		f.note("path-unknown", place+": SCRIPT_NAME and PATH_INFO depend on "+e.unsure, "", "")
	case e.script+e.info != e.path:
		f.fail("script-name-wrong", fmt.Sprintf("%s: %s has SCRIPT_NAME=%q PATH_INFO=%q, which together are another path", place, e.path, e.script, e.info),
			"the application mistakes the path, and its links are broken", "").mendPath(app, r, e)
	case e.script == "" && e.prefix != "" && !e.exact:
		what := fmt.Sprintf("%s: the location is %s, but SCRIPT_NAME is empty: %s has SCRIPT_NAME=\"\" PATH_INFO=%q", place, e.prefix, e.path, e.info)
		if mount := app.Adapter.Mount; mount != "" {
			what += "; --mount is " + mount
		}
		f.warn("script-name-missing", what, "its links lack the prefix, and its routes must contain it", setParam(r, "SCRIPT_NAME", e.prefix))
	}
}

// mendPath mends a SCRIPT_NAME that isn't the location's prefix; other mistakes are for the operator.
func (f *Finding) mendPath(app *host.Application, r route, e *example) {
	info := slices.ContainsFunc(r.level.Here("scgi_param"), func(p *nginxconf.Directive) bool { return p.Arg(0) == "PATH_INFO" })
	if l := r.location(); !info && l != nil && !strings.HasPrefix(l.Arg(0), "~") && l.Arg(0) != "=" {
		f.Mend = setParam(r, "SCRIPT_NAME", e.prefix)
		return
	} else if !info && l != nil && l.Arg(0) == "=" && strings.TrimRight(app.Mount(), "/") == e.path {
		f.Mend = setParam(r, "SCRIPT_NAME", e.path)
		return
	}
	f.Do = "use the location of: socketgi nginx " + app.Name
	if e.prefix != "" {
		f.Do += " --mount " + shell(e.prefix)
	} else if mount := app.Adapter.Mount; mount != "" {
		f.Do += " --mount " + shell(mount)
	}
}

// judgeProxy looks for client headers that become settings of programs (httpoxy, CVE-2016-5385).
func judgeProxy(r route, params map[string]string, f *findings) {
	for name, value := range params {
		if strings.EqualFold(name, "HTTP_PROXY") && value != "" || strings.Contains(value, "$http_proxy") {
			f.fail("httpoxy", fmt.Sprintf("%s: scgi_param %s %s passes a client's Proxy header on", r.pass.Place(), name, value),
				"programs use it as their proxy: a client can redirect their requests (httpoxy, CVE-2016-5385)",
				removeParam(r, name))
		}
	}
	server := r.level.In("server")
	if r.level.Value("underscores_in_headers", "off") == "on" && server != nil {
		f.warn("underscores-in-headers", r.pass.Place()+": headers with underscores are accepted (underscores_in_headers on)",
			"the adapter can't distinguish X_Forwarded_For of a client from X-Forwarded-For of a proxy", "").Do = "remove underscores_in_headers from nginx's configuration, then: " + reload
	}
	if r.level.Value("scgi_pass_request_headers", "on") == "off" {
		f.warn("request-headers", r.pass.Place()+": scgi_pass_request_headers off", "the application sees neither cookies nor any other header of the client", set(r, "scgi_pass_request_headers", "on"))
	}
}

// removeParam returns a command that removes a variable from the configuration.
func removeParam(r route, name string) string {
	var e edits
	for _, p := range r.level.Here("scgi_param") {
		if p.Arg(0) == name {
			e.add(p.File, `%ds|\bscgi_param\s\+%s\s[^;]*;||`, p.Line, name)
		}
	}
	return e.command()
}
