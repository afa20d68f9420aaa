package doctor

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/apache"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/lighttpd"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginx"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
)

// front is a web server of this machine besides nginx.
type front struct {
	name  string // the name of its check, and of the command that prints its configuration
	title string
	unit  string
	dir   string // of its configuration
	// proof is the command that checks its configuration.
	proof string
	ask   func(ctx context.Context, w *front) error

	asked   bool
	err     error
	conf    []*nginxconf.Directive
	modules []string
}

// pass is a directive that passes requests on.
type pass struct {
	d *nginxconf.Directive
	// scheme and name are those of Apache's worker, and worker is the name with a path, which identifies it
	// for Apache.
	scheme, name, worker string
	// listen is the address: a path, or HOST:PORT.
	listen string
	// prefix is the prefix of the URLs, "" for the whole server; known is false if it is unknown.
	prefix string
	known  bool
	alias  *nginxconf.Directive // Apache's Alias of the file that the pass is for
}

// findFronts returns the installed ones.
func findFronts() (all []*front) {
	if program := apache.Program(); program != "" {
		w := &front{name: "apache", title: "Apache", unit: "apache2.service", dir: "/etc/apache2", proof: "apachectl -t"}
		if _, err := os.Stat(w.dir); err != nil {
			w.unit, w.dir = "httpd.service", "/etc/httpd"
		}
		w.ask = func(ctx context.Context, w *front) (err error) {
			w.conf, w.modules, err = apache.Config(ctx, program)
			return err
		}
		all = append(all, w)
	}
	if program := lighttpd.Program(); program != "" {
		w := &front{name: "lighttpd", title: "lighttpd", unit: "lighttpd.service", dir: "/etc/lighttpd", proof: "lighttpd -tt -f " + lighttpd.File}
		w.ask = func(ctx context.Context, w *front) (err error) {
			w.conf, err = lighttpd.Config(ctx, program)
			return err
		}
		all = append(all, w)
	}
	return all
}

// passes lists the directives that pass requests on, as the web server has read them.
func (w *front) passes(ctx context.Context) []pass {
	if !w.asked {
		w.asked = true
		w.err = w.ask(ctx, w)
	}
	if w.name == "apache" {
		return apachePasses(w.conf)
	}
	return lighttpdPasses(w.conf)
}

// to lists the directives that pass requests to an application.
func (w *front) to(ctx context.Context, app *host.Application) []pass {
	return slices.DeleteFunc(w.passes(ctx), func(p pass) bool { return !same(address(p.listen), address(app.Listen)) })
}

// written finds a text in its configuration: in the first enabled file, or else in one that isn't enabled.
func (w *front) written(text string) (file string, line int, enabled bool) {
	_ = filepath.WalkDir(w.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || enabled {
			return nil
		}
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() || info.Size() > 1<<20 {
			return nil
		}
		content, _ := os.ReadFile(name)
		before, _, found := strings.Cut(string(content), text)
		available := strings.HasSuffix(path.Dir(name), "-available")
		if found && (file == "" || !available) {
			file, line, enabled = name, strings.Count(before, "\n")+1, !available
		}
		return nil
	})
	return file, line, enabled
}

func (w *front) reload() string { return "systemctl reload " + w.unit }

// edit returns a command that edits a file and reloads the web server.
func (w *front) edit(file, script string) string {
	return guarded(file, sed(file, script), w.proof) + " && " + w.reload()
}

// running reports whether its service runs.
func (x *examination) running(ctx context.Context, w *front) bool {
	state := x.ifThere(ctx, w.unit, "Service").Text("ActiveState")
	return state == "active" || state == "reloading"
}

// concerns reports whether this web server should reach an application: its files name it, or it is the web server of
// this machine and no other reaches the application.
func (x *examination) concerns(ctx context.Context, w *front, app *host.Application) bool {
	if _, _, enabled := w.written(app.Listen); enabled {
		return true
	}
	if x.nginxReaches(app) {
		return false
	}
	alone := x.web.err == errNoNginx
	for _, other := range x.fronts {
		if other == w {
			continue
		}
		if _, _, enabled := other.written(app.Listen); enabled {
			return false
		}
		alone = alone && (!x.running(ctx, other) || x.running(ctx, w) && other.name > w.name)
	}
	return alone || x.running(ctx, w) && !x.nginxRuns()
}

// elsewhere reports whether another web server than nginx should reach an application.
func (x *examination) elsewhere(ctx context.Context, app *host.Application) bool {
	if x.nginxReaches(app) || x.web.err == nil && nearlyOurs(app, x.web) != nil {
		return false
	}
	return slices.ContainsFunc(x.fronts, func(w *front) bool { return x.concerns(ctx, w, app) })
}

func (x *examination) nginxReaches(app *host.Application) bool {
	found, unclear := routes(x.web.conf, app.Listen)
	return len(found)+len(unclear) > 0
}

func (x *examination) nginxRuns() bool {
	_, err := nginx.Master(nginx.PIDFile(x.web.about, x.web.conf))
	return err == nil
}

// checkFront returns the check of a web server.
func checkFront(name string) func(context.Context, *examination, *host.Application) findings {
	return func(ctx context.Context, x *examination, app *host.Application) (f findings) {
		i := slices.IndexFunc(x.fronts, func(w *front) bool { return w.name == name })
		if i < 0 || !x.concerns(ctx, x.fronts[i], app) {
			return nil
		}
		w := x.fronts[i]
		found := w.to(ctx, app)
		switch {
		case w.err != nil && !x.root:
			f.unchecked("only root can ask "+w.title+" for its configuration", "sudo socketgi doctor "+app.Name)
			return f
		case w.err != nil:
			f.fail(name+"-configuration", w.title+" refuses its configuration:\n"+w.err.Error(), "it continues with the previous one, and won't start again", "").Do = "correct it, then: " + w.reload()
			return f
		case len(found) == 0:
			w.unreached(ctx, app, &f)
		}
		for _, p := range found {
			if w.name == "apache" {
				judgeApache(ctx, w, app, p, &f)
			} else {
				judgeLighttpd(w, app, p, &f)
			}
			if !f.wrong() {
				w.judgeMount(app, p, &f)
			}
		}
		x.judgeRunning(ctx, w, &f)
		if !f.wrong() {
			f.ok(w.title + " passes requests to it")
		}
		return f
	}
}

// judgeRunning checks that the web server runs.
func (x *examination) judgeRunning(ctx context.Context, w *front, f *findings) {
	if _, err := x.of(ctx, w.unit, "Service"); err == nil && !x.running(ctx, w) {
		f.fail(w.name+"-stopped", w.title+" isn't running", "the browser gets no response", "systemctl unmask --quiet "+w.unit+" && systemctl enable --now --quiet "+w.unit)
	}
}

// judgeMount compares the prefix of the URLs with that of the units.
func (w *front) judgeMount(app *host.Application, p pass, f *findings) {
	if mount := strings.TrimRight(app.Mount(), "/"); mount != "" && p.known && p.prefix != mount && !strings.HasPrefix(p.prefix, mount+"/") {
		f.warn("mount-elsewhere", fmt.Sprintf("%s passes requests for %s/ to it, and its units have %s (--mount)", w.title, p.prefix, mount),
			"a request for "+mount+" doesn't reach it", "").Do = "give both the same path: socketgi " + w.name + " " + app.Name + " --mount PATH, and --mount in ExecStart="
	}
}

// unreached reports why the web server doesn't reach the application.
func (w *front) unreached(ctx context.Context, app *host.Application, f *findings) {
	const why = "no request reaches the application; the client gets 404"
	for _, p := range w.passes(ctx) {
		if _, err := os.Stat(p.listen); err != nil && strings.HasPrefix(p.listen, "/") && (distance(p.listen, app.Listen) <= 2 || path.Base(p.listen) == path.Base(app.Listen)) {
			file, line, _ := w.written(p.listen)
			f.fail("socket-path-mistyped", fmt.Sprintf("%s:%d: %s nearly is %s, where the application listens", file, line, p.listen, app.Listen), "the client gets 503",
				w.edit(file, "s|"+p.listen+"|"+app.Listen+"|g"))
			return
		}
	}
	if file, _, enabled := w.written(app.Listen); file != "" && !enabled {
		f.fail("location-not-included", w.title+" passes no request to "+app.Listen+"; "+file+" would, and is not enabled", why, w.enable(file))
		return
	}
	command := "socketgi " + w.name + " " + app.Name
	if app.Adapter.Timeout != adapter.DefaultTimeout {
		command += " --timeout " + adapter.DurationValue(app.Adapter.Timeout)
	}
	file := w.dir + map[string]string{"apache": "/conf-available/", "lighttpd": "/conf-available/50-"}[w.name] + app.Name + ".conf"
	one := f.fail("location-missing", w.title+" passes no request to "+app.Listen, why, "")
	if _, err := os.Stat(path.Dir(file)); err != nil {
		one.Do = "add the output of this command to its configuration: " + command
		return
	}
	one.Mend = command + " > " + shell(file) + " && " + w.enable(file)
}

// enable returns a command that enables a file of conf-available or sites-available.
func (w *front) enable(file string) string {
	name := strings.TrimSuffix(path.Base(file), ".conf")
	switch {
	case w.name == "lighttpd":
		_, name, _ = strings.Cut(name, "-")
		return "lighty-enable-mod " + shell(name) + " >/dev/null && " + w.proof + " && " + w.reload()
	case path.Base(path.Dir(file)) == "sites-available":
		return "a2enmod -q proxy proxy_scgi && a2ensite -q " + shell(name) + " && " + w.proof + " && systemctl restart " + w.unit
	}
	return "a2enmod -q proxy proxy_scgi && a2enconf -q " + shell(name) + " && " + w.proof + " && systemctl restart " + w.unit
}
