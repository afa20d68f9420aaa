package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/failure"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
)

var errNoExample = errors.New("no example of a URL found for it")

// checkNginx checks the locations of nginx that pass requests to the socket.
func checkNginx(ctx context.Context, x *examination, app *host.Application) (f findings) {
	switch {
	case x.elsewhere(ctx, app):
	case x.web.rejected != "":
		f.fail("nginx-configuration", "nginx refuses its configuration:\n"+x.web.rejected, "it keeps the old configuration, and won't start again", "").Do = "correct it, then: " + reload
	case errors.Is(x.web.err, errNoNginx):
		f.unchecked(failure.Text(x.web.err), "")
	case x.web.err != nil && !x.root:
		f.unchecked(failure.Text(x.web.err), "sudo socketgi doctor "+app.Name)
	case x.web.err != nil:
		f.unchecked("nginx -T: "+failure.Text(x.web.err), "")
	default:
		judgeNginx(app, x.web, &f)
		freshness(ctx, x, &f)
	}
	return f
}

// judgeNginx judges a whole configuration.
func judgeNginx(app *host.Application, web *webServer, f *findings) {
	found, unclear := routes(web.conf, app.Listen)
	reached := false
	for _, r := range found {
		if r.pass.Name != "scgi_pass" {
			f.fail("wrong-protocol", r.pass.Place()+": "+r.pass.Name+" passes requests to the application's socket",
				"it speaks SCGI, and answers 400 to "+r.pass.Name+"; nginx makes that a 502",
				asSCGI(app, r))
			continue
		}
		reached = true
		judgePlace(r, found, f)
		judgeStatic(r, f)
		judgeRoute(app, web, r, f)
	}
	judgeMount(app, found, f)
	switch {
	case reached || len(found) > 0:
	case len(unclear) > 0:
		f.unchecked("whether nginx reaches "+app.Listen+": "+unclear[0].pass.Place()+" has "+unclear[0].pass.Name+" "+unclear[0].pass.Arg(0), "")
	default:
		unreached(app, web, f)
	}
}

// judgeMount compares the prefix in nginx with that in the units.
func judgeMount(app *host.Application, found []route, f *findings) {
	mount := strings.TrimRight(app.Mount(), "/")
	if mount == "" || len(found) == 0 || f.failed() {
		return
	}
	var elsewhere []string
	for _, r := range found {
		e, err := makeExample(r, app.Adapter.Mount)
		if err != nil || e.unsure != "" || e.prefix == "" && !e.exact || e.script == mount || strings.HasPrefix(e.path, mount+"/") || e.path == mount || len(r.level.Here("internal")) > 0 {
			return
		}
		elsewhere = append(elsewhere, r.pass.Place()+" passes requests for "+strings.TrimSuffix(e.path, "/example"))
	}
	f.warn("mount-elsewhere", elsewhere[0]+" to it, but its units have --mount "+mount, "a request for "+mount+" doesn't reach it", "").Do =
		"give both the same path: socketgi nginx " + app.Name + " --mount PATH, and --mount in ExecStart="
}

// passTo returns the application's address as nginx writes it.
func passTo(app *host.Application) string {
	if strings.HasPrefix(app.Listen, "/") {
		return "unix:" + app.Listen
	}
	return app.Listen
}

// nearlyOurs finds an scgi_pass to a missing socket with a similar name.
func nearlyOurs(app *host.Application, web *webServer) (found *nginxconf.Directive) {
	want := passTo(app)
	nginxconf.Walk(web.conf, func(d *nginxconf.Directive) {
		path, unix := strings.CutPrefix(d.Arg(0), "unix:")
		if d.Name != "scgi_pass" || found != nil || !unix {
			return
		}
		if _, err := os.Stat(path); err != nil && (distance(d.Arg(0), want) <= 2 || filepath.Base(path) == filepath.Base(want)) {
			found = d
		}
	})
	return found
}

// unreached reports that nginx doesn't reach the application, and finds a file that isn't included.
func unreached(app *host.Application, web *webServer, f *findings) {
	what := "nginx passes no request to " + app.Listen
	if d := nearlyOurs(app, web); d != nil {
		f.fail("socket-path-mistyped", d.Place()+": "+d.Name+" "+d.Arg(0)+" is not "+passTo(app)+", where the application listens", "nginx answers 502",
			edit(d.File, `%ds|\b%s\s\+[^;]*;|%[2]s %s;|`, d.Line, d.Name, passTo(app)))
		return
	}
	const why = "no request reaches the application; nginx answers 404"
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
				what += "; " + name + " would, but nothing includes it"
				f.fail("location-not-included", what, why, "").include(web, name)
				return fs.SkipAll
			}
			return nil
		})
		if f.wrong() {
			return
		}
	}
	command := "socketgi nginx " + app.Name
	if mount := app.Mount(); mount != "" {
		command += " --mount " + shell(mount)
	}
	if app.Listen != "/run/socketgi/"+app.Name+".sock" {
		command += " --listen " + shell(app.Listen)
	}
	if t := app.Adapter.Timeout; t != adapter.DefaultTimeout {
		command += " --timeout " + adapter.DurationValue(t)
	}
	snippet := "/etc/nginx/snippets/" + app.Name + ".conf"
	one := f.fail("location-missing", what, why, "")
	one.include(web, snippet)
	if command += " > " + shell(snippet); one.Mend != "" {
		one.Mend = "mkdir -p /etc/nginx/snippets && " + command + " && " + one.Mend
	} else {
		one.Do = command + ", and " + one.Do
	}
}

// include mends a finding by including a file in the server block, if there is exactly one.
func (f *Finding) include(web *webServer, file string) {
	var servers []*nginxconf.Directive
	nginxconf.Walk(web.conf, func(d *nginxconf.Directive) {
		if d.Name == "server" && d.Up != nil && d.Up.Name == "http" {
			servers = append(servers, d)
		}
	})
	if len(servers) != 1 {
		f.Do = "put this into a server block: include " + file + ";"
		return
	}
	f.Mend = edit(servers[0].File, `%ds|server\s*{|& include %s;|`, servers[0].Line, file)
}

// asSCGI returns a command that replaces another protocol by SCGI.
func asSCGI(app *host.Application, r route) string {
	var e edits
	params := "include scgi_params;"
	if l := r.location(); l != nil && len(l.Args) == 1 && l.Arg(0) != "/" {
		params += " scgi_param SCRIPT_NAME " + strings.TrimRight(l.Arg(0), "/") + ";"
	}
	longest, queue := longest(app)
	e.add(r.pass.File, `%ds|\b%s\s\+[^;]*;|%s scgi_read_timeout %ds; scgi_buffer_size 32k; scgi_buffers 16 32k; scgi_busy_buffers_size 64k; scgi_pass %s;|`,
		r.pass.Line, r.pass.Name, params, int((longest+queue).Seconds())+15, passTo(app))
	return e.command()
}

// buffers returns a command that sets the sizes of nginx's buffers.
func buffers(r route) string {
	var e edits
	e.setBuffers(r)
	return e.command()
}

// judgeRoute judges one route.
func judgeRoute(app *host.Application, web *webServer, r route, f *findings) {
	before := len(*f)
	judgeParams(app, r, f)
	judgeTimes(app, r, f)
	judgeBodies(app, web.version, r, f)
	judgeSubrequests(app, web, r, f)
	if size, ok := nginxconf.Size(r.level.Value("scgi_buffer_size", strconv.Itoa(os.Getpagesize()))); ok && size < 16<<10 {
		f.note("buffer-size", fmt.Sprintf("%s: a response header is limited to %d bytes (scgi_buffer_size)", r.pass.Place(), size),
			"with many cookies it is larger, and nginx answers 502", buffers(r))
	}
	if slices.ContainsFunc((*f)[before:], func(one Finding) bool { return one.Level != Note && one.Level != OK }) {
		return
	}
	what := r.pass.Place() + " passes requests to it"
	if e, err := makeExample(r, app.Adapter.Mount); err == nil && e.unsure == "" {
		what += fmt.Sprintf("; %s has SCRIPT_NAME=%q PATH_INFO=%q", e.path, e.script, e.info)
	}
	f.ok(what)
}
