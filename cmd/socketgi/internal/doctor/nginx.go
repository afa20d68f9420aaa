package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
	"github.com/socketgi/socketgi/scgi"
)

var errNoExample = errors.New("no example of a URL could be made up for it")

// reload has nginx read what was changed, and ends when that counts.
const reload = "socketgi nginx --reload"

// andReload follows a command that has changed nginx's configuration.
const andReload = " && " + reload

// checkNginx looks whether nginx's configuration passes requests to the socket, and what
// the application then gets.
func checkNginx(_ context.Context, x *examination, app *host.Application) (f findings) {
	switch {
	case x.web.rejected != "":
		f.fail("nginx doesn't take its configuration:\n"+x.web.rejected, "it goes on with the one it has, and won't start again", "correct it, then: "+reload)
	case errors.Is(x.web.err, errNoNginx):
		f.unchecked(x.web.err.Error(), "")
	case x.web.err != nil && !x.root:
		f.unchecked(x.web.err.Error(), "sudo socketgi doctor "+app.Name)
	case x.web.err != nil:
		f.unchecked("nginx -T: "+x.web.err.Error(), "")
	default:
		judgeNginx(app, x.web, &f)
		freshness(x.web, &f)
	}
	return f
}

// judgeNginx judges all of a configuration.
func judgeNginx(app *host.Application, web *webServer, f *findings) {
	found, unclear := routes(web.conf, app.Listen)
	reached := false
	for _, r := range found {
		if r.pass.Name != "scgi_pass" {
			f.fail(r.pass.Place()+": "+r.pass.Name+" passes requests to the application's socket",
				"it speaks SCGI, and refuses what "+r.pass.Name+" sends with 400; nginx makes a 502 of that",
				fmt.Sprintf(`sed -i --follow-symlinks '%ds|%s\s\+[^;]*;|include scgi_params; scgi_pass %s;|' %s`, r.pass.Line, r.pass.Name, passTo(app), shell(r.pass.File))+andReload)
			continue
		}
		reached = true
		judgeRoute(app, web, r, f)
	}
	switch {
	case reached || len(found) > 0:
	case len(unclear) > 0:
		f.unchecked("whether nginx reaches "+app.Listen+": "+unclear[0].pass.Place()+" has "+unclear[0].pass.Name+" "+unclear[0].pass.Arg(0), "")
	default:
		unreached(app, web, f)
	}
}

// passTo is the application's address as nginx writes it.
func passTo(app *host.Application) string {
	if strings.HasPrefix(app.Listen, "/") {
		return "unix:" + app.Listen
	}
	return app.Listen
}

// unreached says that nginx doesn't reach the application, and which file of its own
// folder would change that.
func unreached(app *host.Application, web *webServer, f *findings) {
	what := "nginx passes no request to " + app.Listen
	const why = "nobody can ask the application anything; nginx answers 404"
	if len(web.conf) > 0 {
		dir := filepath.Dir(web.conf[0].File)
		_ = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil
			}
			if info, err := d.Info(); err != nil || info.Size() > 1<<20 {
				return nil
			}
			if text, err := os.ReadFile(name); err == nil && strings.Contains(string(text), "scgi_pass "+passTo(app)+";") {
				what += "; " + name + " would, and nothing includes that"
				f.fail(what, why, "put this into a server block: include "+name+";")
				return fs.SkipAll
			}
			return nil
		})
		if f.wrong() {
			return
		}
	}
	command := "socketgi nginx " + app.Name
	if mount := app.Flag("mount"); mount != "" {
		command += " --mount " + shell(mount)
	}
	if app.Listen != "/run/socketgi/"+app.Name+".sock" {
		command += " --listen " + shell(app.Listen)
	}
	if t := app.Flag("timeout"); t != "" {
		command += " --timeout " + shell(t)
	}
	f.fail(what, why, command+" > /etc/nginx/snippets/"+app.Name+".conf, and in a server block: include snippets/"+app.Name+".conf;")
}

// judgeRoute judges one place that passes requests on.
func judgeRoute(app *host.Application, web *webServer, r route, f *findings) {
	before := len(*f)
	judgeParams(app, r, f)
	judgeTimes(app, r, f)
	judgeBodies(app, web.version, r, f)
	judgeSubrequests(app, web, r, f)
	if size, ok := nginxconf.Size(r.level.Value("scgi_buffer_size", strconv.Itoa(os.Getpagesize()))); ok && size < 16<<10 {
		f.note(fmt.Sprintf("%s: the head of a response may have %d bytes (scgi_buffer_size)", r.pass.Place(), size),
			"many cookies are more, and then nginx answers 502", set(r, "scgi_buffer_size", "32k"))
	}
	if slices.ContainsFunc((*f)[before:], func(one Finding) bool { return one.Level != Note && one.Level != OK }) {
		return
	}
	what := r.pass.Place() + " passes requests to it"
	if e, err := makeExample(r, app.Flag("mount")); err == nil && e.unsure == "" {
		what += fmt.Sprintf("; %s has SCRIPT_NAME=%q PATH_INFO=%q", e.path, e.script, e.info)
	}
	f.ok(what)
}

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
			fmt.Sprintf(`sed -i --follow-symlinks 's/scgi_param\s\+CONTENT_LENGTH\s[^;]*;//' %s`, shell(paramFile(r, "CONTENT_LENGTH")))+reload)
	}
	if params["HTTP_HOST"] == "$host" {
		f.note(place+": HTTP_HOST is $host, which has no port", "redirects of a server on another port than 80 and 443 go to those", setParam(r, "HTTP_HOST", "$http_host"))
	}
	e, err := makeExample(r, app.Flag("mount"))
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
		if mount := app.Flag("mount"); mount != "" {
			what += "; --mount is " + mount
		}
		f.warn(what, "its links leave that prefix out, and its routes have to have it", setParam(r, "SCRIPT_NAME", e.prefix))
	}
}

func mendPath(app *host.Application, e *example) string {
	mend := "socketgi nginx " + app.Name
	if e.prefix != "" {
		mend += " --mount " + shell(e.prefix)
	} else if mount := app.Flag("mount"); mount != "" {
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
				fmt.Sprintf(`sed -i --follow-symlinks '/scgi_param\s\+%s\s/d' %s`, name, shell(paramFile(r, name)))+andReload)
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

// judgeTimes compares how long nginx waits with how long the application may take.
func judgeTimes(app *host.Application, r route, f *findings) {
	if !app.UsesAdapter() {
		return
	}
	wait, ok := nginxconf.Duration(r.level.Value("scgi_read_timeout", "60s"))
	if !ok {
		return
	}
	longest, queue := flagDuration(app, "timeout", time.Minute), time.Duration(0)
	if n := app.Flag("concurrency"); n != "" && n != "0" {
		queue = flagDuration(app, "queue-timeout", 30*time.Second)
	}
	switch {
	case longest == 0:
		if wait < time.Hour {
			f.note(fmt.Sprintf("%s: nginx waits %v (scgi_read_timeout), and --timeout 0 sets no limit", r.pass.Place(), wait), "", "")
		}
	case wait <= longest+queue:
		f.warn(fmt.Sprintf("%s: nginx waits %v (scgi_read_timeout), and a request may wait %v and take %v", r.pass.Place(), wait, queue, longest),
			"the application's own 503 and 504, and what the log says of them, come too late: the client gets nginx's 504",
			set(r, "scgi_read_timeout", fmt.Sprintf("%ds", int((longest+queue).Seconds())+15)))
	}
}

func flagDuration(app *host.Application, name string, otherwise time.Duration) time.Duration {
	if d, err := time.ParseDuration(app.Flag(name)); err == nil {
		return d
	}
	return otherwise
}

// wholeBodies is the first nginx that sends the whole body with scgi_request_buffering off.
var wholeBodies = version{1, 29, 6}

// judgeBodies looks at what becomes of uploads.
func judgeBodies(app *host.Application, nginx version, r route, f *findings) {
	place := r.pass.Place()
	if r.level.Value("scgi_request_buffering", "on") == "off" && (nginx == version{} || nginx.before(wholeBodies)) {
		f.fail(fmt.Sprintf("%s: scgi_request_buffering off, and nginx is %v", place, nginx),
			"before "+wholeBodies.String()+" nginx then announces less than it has of a chunked upload: the body is cut, and refused with 400", set(r, "scgi_request_buffering", "on"))
	}
	if r.level.Value("scgi_pass_request_body", "on") == "off" && !saysNoBody(r) {
		f.warn(place+": scgi_pass_request_body off", "the application waits for a body that never comes; "+
			`for subrequests (auth_request, SSI) say scgi_param CONTENT_LENGTH ""; scgi_param HTTP_CONTENT_LENGTH ""; too`,
			set(r, "scgi_pass_request_body", "on"))
	}
	own, known := adapterSize(app.Flag("max-body"))
	theirs, ok := nginxconf.Size(r.level.Value("client_max_body_size", "1m"))
	if known && ok && own > 0 && theirs > 0 && theirs < own {
		f.note(fmt.Sprintf("%s: nginx refuses bodies over %d bytes with %d (client_max_body_size), and --max-body is %d", place, theirs, http.StatusRequestEntityTooLarge, own),
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
	// The location that takes a path, of those without a regular expression.
	taker := func(path string) (best *nginxconf.Directive) {
		most := 0
		nginxconf.Walk(web.conf, func(d *nginxconf.Directive) {
			if d.Name == "location" && d.In("server") == server && takes(d, path) > most {
				best, most = d, takes(d, path)
			}
		})
		return best
	}
	var asked *nginxconf.Directive
	nginxconf.Walk(web.conf, func(d *nginxconf.Directive) {
		if d.Name == "auth_request" && asked == nil && d.In("server") == server && r.location() != nil && taker(d.Arg(0)) == r.location() {
			asked = d
		}
	})
	if asked != nil {
		f.warn(fmt.Sprintf("%s: auth_request %s asks the application at %s, and nothing says there that such a request has no body", asked.Place(), asked.Arg(0), r.pass.Place()),
			"whatever a client sends with a body is refused",
			fmt.Sprintf("socketgi nginx %s --auth-request --mount /_%[1]s, take its locations, and say auth_request /_%[1]s", app.Name))
	}
}

// takes tells how well a location without a regular expression takes a path, 0 for not at all.
func takes(l *nginxconf.Directive, path string) int {
	if len(l.Args) == 0 {
		return 0
	}
	prefix := l.Args[len(l.Args)-1]
	switch {
	case l.Arg(0) == "=" && path == prefix:
		return len(path) + 1
	case (len(l.Args) == 1 || l.Arg(0) == "^~") && strings.HasPrefix(path, prefix):
		return len(prefix)
	}
	return 0
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

// adapterSize reads a size as the adapter does.
func adapterSize(s string) (int64, bool) {
	if n, ok := strings.CutSuffix(s, "T"); ok {
		g, ok := nginxconf.Size(n + "G")
		return g << 10, ok
	}
	return nginxconf.Size(s)
}

// insert is a command that puts a directive before scgi_pass.
func insert(r route, directive string) string {
	return fmt.Sprintf(`sed -i --follow-symlinks '%ds|%s|%s %s|' %s`, r.pass.Line, r.pass.Name, directive, r.pass.Name, shell(r.pass.File)) + andReload
}

// set is a command that gives a directive a value where the route is.
func set(r route, name, value string) string {
	for _, d := range r.level.Block {
		if d.Name == name {
			return fmt.Sprintf(`sed -i --follow-symlinks '%ds|%s\s[^;]*;|%s %s;|' %s`, d.Line, name, name, value, shell(d.File)) + andReload
		}
	}
	return insert(r, name+" "+value+";")
}

// setParam is a command that sets a variable. One that is added where there were none
// must not hide those of the levels above.
func setParam(r route, name, value string) string {
	own := false
	for _, d := range r.level.Block {
		own = own || d.Name == "scgi_param"
		if d.Name == "scgi_param" && d.Arg(0) == name && d.File == r.pass.File {
			return fmt.Sprintf(`sed -i --follow-symlinks '%ds|scgi_param\s\+%s\s[^;]*;|scgi_param %s %s;|' %s`, d.Line, name, name, value, shell(d.File)) + andReload
		}
	}
	directive := "scgi_param " + name + " " + value + ";"
	if !own {
		directive = "include scgi_params; " + directive
	}
	return insert(r, directive)
}
