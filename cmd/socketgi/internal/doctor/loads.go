package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/access"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/failure"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/journal"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/program"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/terminal"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/trial"
	"golang.org/x/sys/unix"
)

// loadLimit limits the duration of loading.
const loadLimit = time.Minute

// checkLoads loads the application in an additional instance of its service.
func checkLoads(ctx context.Context, x *examination, app *host.Application) (f findings) {
	switch {
	case !app.UsesAdapter():
		f.note("speaks-scgi", strings.Join(app.Exec, " ")+" speaks SCGI itself and is not checked", "", "")
		return f
	case x.manager == nil:
		f.unchecked(failure.Text(x.noManager), "")
		return f
	case !x.root && !x.host.User:
		f.unchecked("only root can start it with its user and sandbox", "sudo socketgi doctor "+app.Name)
		return f
	}
	t, err := trial.Installed(x.host, app)
	if err != nil {
		f.unchecked(failure.Text(err), "")
		return f
	}
	t.Manager, t.Limit = x.manager, loadLimit
	began := time.Now()
	done := terminal.Progress(os.Stderr, "loading "+app.Name)
	o, err := t.Run(ctx)
	done()
	if err != nil {
		f.unchecked("systemd doesn't start "+o.Unit+": "+failure.Text(err), "")
		return f
	}
	what := app.What
	if what == "" {
		what = app.Name
	}
	who, _ := runsAs(app, x.ifThere(ctx, serviceOf(app), "Service"))
	if x.host.User {
		who = "this user"
	}
	if o.Loaded {
		by := ""
		if o.Interface != "" {
			by = " by " + o.Interface
		}
		f.ok(what + " loads" + by + " as " + who + ", in its sandbox")
		unused(app, o.Interface, &f)
		return f
	}
	if text := wordsOfSystemd(ctx, o.Unit, began); text != "" {
		o.Said = strings.TrimSpace(o.Said + "\n" + text)
	}
	notLoaded(app, what, who, o, &f)
	return f
}

// unused finds flags that have no effect with the interface of the application.
func unused(app *host.Application, iface string, f *findings) {
	values, accept := app.Adapter, adapter.AcceptYes
	if app.Warm {
		accept = adapter.AcceptNo
	}
	if values.Interface = strings.ToLower(iface); iface == "" {
		return
	}
	if err := values.ValidateFor(accept); err != nil {
		f.warn("no-effect", app.Service.Name+": "+failure.Text(err), "the limit is not in effect", "").Do = "correct it: systemctl edit --full " + app.Service.Name
	}
}

// wordsOfSystemd returns systemd's messages about a unit since a time, except those about every failed
// service.
func wordsOfSystemd(ctx context.Context, unit string, since time.Time) string {
	journal.Sync(ctx) // otherwise the newest entries may be missing
	var lines []string
	q := journal.Query{Unit: unit, Since: fmt.Sprintf("@%d", since.Unix()), Last: 1000}
	for e, err := range q.Entries(ctx) {
		if err != nil {
			break // the reason is shown without them
		}
		if e.PID != 1 || !slices.Contains(idle, e.ID) {
			lines = append(lines, strings.TrimRight(e.Message, "\n"))
		}
	}
	return strings.Join(lines, "\n")
}

// idle contains the IDs of the messages about every failed service.
var idle = []string{journal.UnitStarting, journal.UnitStarted, journal.UnitFailed, journal.UnitProcessExit, journal.UnitFailureResult, journal.UnitResources}

// mostLines is the maximum number of lines shown of the end of a log.
const mostLines = 30

// notLoaded adds the reason why an application doesn't load.
func notLoaded(app *host.Application, name, who string, o trial.Outcome, f *findings) {
	again := "correct it, then: socketgi doctor " + app.Name
	edit := "correct it: systemctl edit --full " + app.Service.Name
	text := o.Said
	if lines := strings.Split(text, "\n"); len(lines) > mostLines {
		text = strings.Join(lines[len(lines)-mostLines:], "\n")
	}
	if text != "" {
		text = ":\n" + text
	}
	why := "each request is answered with 500"
	status := o.SetUp()
	if status > 0 || o.Result == resources {
		why = notStarted(app)
	}
	switch {
	case o.Result == "timeout":
		f.fail("load-timeout", fmt.Sprintf("%s is not loaded after %s%s", name, adapter.FormatDuration(loadLimit), text), "a request takes longer than that", "").Do = again
	// Exit statuses of systemd itself (systemd.exec(5), Process Exit Codes).
	case status == 203:
		f.fail("program-missing", app.Exec[0]+" can't be executed"+text, why, "").reinstall(app.Exec[0])
	case status == 217:
		f.fail("user-missing", "the user of "+app.Service.Name+" does not exist: "+who+text, why, "useradd --system --user-group "+shell(who))
	case status == 216:
		group := app.Service.Get("Service", "Group")
		f.fail("group-missing", "the group of "+app.Service.Name+" does not exist: "+group+text, why, "groupadd --system "+shell(group))
	case status == 200:
		dir := app.Service.Get("Service", "WorkingDirectory")
		one := f.fail("working-directory", "the folder "+dir+" can't be entered by "+who+text, why, letIn(app, filepath.Join(dir, "file")))
		if one.Mend == "" {
			one.Do = edit
		}
	case status == 226:
		f.fail("sandbox", "the sandbox can't be made"+text, why, "").Do = edit
	case status > 0:
		f.fail("set-up", fmt.Sprintf("systemd can't set up %s of %s (status %d, systemd.exec(5))%s", o.Part(), app.Service.Name, status, text), why, "").Do = edit
	case o.Result == resources:
		f.fail("resources", "systemd can't start "+app.Service.Name+text, why, "").Do = edit
	default:
		what := name + " doesn't load as " + who + text
		if o.Result == "" {
			what += " (systemd logged no reason)"
		}
		one := f.fail("load-failed", what, why, mendPathIn(app, text))
		if one.Mend == "" {
			one.Do = again
		}
	}
}

// resources is the result of a service without a process (systemd.exec(5), $SERVICE_RESULT), for example
// for a missing EnvironmentFile=.
const resources = "resources"

// notStarted is the effect on clients if systemd can't start the service.
func notStarted(app *host.Application) string {
	if app.Warm {
		return "systemd restarts it repeatedly, requests wait in the socket, and the web server answers 504 after its scgi_read_timeout"
	}
	return "systemd closes the connection, and the web server answers 502"
}

// reinstall mends a missing program: by one at another path, or by its package.
func (f *Finding) reinstall(path string) {
	if filepath.Base(path) == adapter.Program {
		if found, err := program.Adapter(); err == nil && found != path {
			f.Mend = "install -D -m 755 " + shell(found) + " " + shell(path)
			return
		}
		f.Do = "install " + path + " again: the adapter comes with socketgi"
		return
	}
	f.Do = "install " + path + ", or correct ExecStart="
}

var (
	// denied finds unreadable files in messages of Python and of the adapter.
	denied = regexp.MustCompile(`[Pp]ermission denied:? '?(/[^'\n:]+)|(/[^'\n: ]+)(?:'|:| may)[^\n]*[Pp]ermission denied`)
	// missing finds missing files.
	missing = regexp.MustCompile(`No such file or directory:? '?(/[^'\n:]+)|(/[^'\n: ]+)(?:'|:| is| does)[^\n]*(?:[Nn]o such file|does not exist|not there)`)
)

// mendPathIn returns a command that makes an unreadable path in the log readable, "" for none.
func mendPathIn(app *host.Application, log string) string {
	if m := denied.FindStringSubmatch(log); m != nil {
		if path := m[1] + m[2]; isPart(app, path) {
			return letIn(app, path)
		}
	}
	if m := missing.FindStringSubmatch(log); m != nil {
		path := m[1] + m[2]
		if shell(path) != path || !isPart(app, path) {
			return "" // printf(1) and systemd would each read it in their own way
		}
		if _, err := os.Stat(path); err == nil { // it is the sandbox that hides it
			return dropIn(app, app.Service, "Service", "BindReadOnlyPaths="+path)
		}
	}
	return ""
}

// isPart reports whether a path is named in the units, or is below one that is, after resolving links. The
// application controls the log: no mend may make other files readable, such as /etc/shadow.
func isPart(app *host.Application, path string) bool {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	for _, own := range append([]string{app.Service.Get("Service", "WorkingDirectory")}, app.Exec...) {
		if own, _ = strings.CutPrefix(own, "-"); !filepath.IsAbs(own) {
			continue
		}
		if i := strings.LastIndexByte(own, ':'); i > strings.LastIndexByte(own, '/') { // FILE.py:CALLABLE
			own = own[:i]
		}
		if own, err = filepath.EvalSymlinks(own); err != nil || own == "/" {
			continue
		}
		if real == own || strings.HasPrefix(real, own+"/") {
			return true
		}
	}
	return false
}

// letIn returns a command that makes a file readable for the application's user, "" if its modes permit
// reading.
func letIn(app *host.Application, path string) string {
	id, err := access.RightsOf(app.Service.Get("Service", "User"), app.Service.Get("Service", "Group"))
	if err != nil { // a dynamic user owns no file
		if id, err = access.RightsOf("nobody", ""); err != nil {
			return ""
		}
	}
	if where := id.Obstacle(path); where != path {
		return "chmod a+x " + shell(where)
	}
	// The path comes from the log: it may be a pipe or a device, which opening would block on.
	readable := id.Do(func() error { return unix.Faccessat(unix.AT_FDCWD, path, unix.R_OK, unix.AT_EACCESS) })
	if errors.Is(readable, fs.ErrPermission) {
		return "chmod a+r " + shell(filepath.Clean(path))
	}
	return ""
}
