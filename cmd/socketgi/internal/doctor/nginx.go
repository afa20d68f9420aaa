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
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
)

var errNoExample = errors.New("no example of a URL could be made up for it")

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
				edit(r.pass.File, `%ds|%s\s\+[^;]*;|include scgi_params; scgi_pass %s;|`, r.pass.Line, r.pass.Name, passTo(app)))
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
	if mount := app.Adapter.Mount; mount != "" {
		command += " --mount " + shell(mount)
	}
	if app.Listen != "/run/socketgi/"+app.Name+".sock" {
		command += " --listen " + shell(app.Listen)
	}
	if t := app.Adapter.Timeout; t != adapter.DefaultTimeout {
		command += " --timeout " + t.String()
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
	if e, err := makeExample(r, app.Adapter.Mount); err == nil && e.unsure == "" {
		what += fmt.Sprintf("; %s has SCRIPT_NAME=%q PATH_INFO=%q", e.path, e.script, e.info)
	}
	f.ok(what)
}
