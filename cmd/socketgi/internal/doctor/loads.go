package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/access"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"golang.org/x/sys/unix"
)

// checkInstance begins the name of the instance in which an application is loaded. It
// has the prefix of the application's own units, and so the same DynamicUser=.
const checkInstance = host.CheckInstance

// loadTime bounds how long loading may take.
const loadTime = time.Minute

// checkLoads has systemd start the service once more, with all that its units say, and
// the adapter load the application and do nothing else.
func checkLoads(ctx context.Context, x *examination, app *host.Application) (f findings) {
	switch {
	case !app.UsesAdapter():
		f.note(strings.Join(app.Exec, " ")+" speaks SCGI itself, and is not tried out here", "", "")
		return f
	case x.manager == nil:
		f.unchecked(x.noManager.Error(), "")
		return f
	case !x.root:
		f.unchecked("only root can start it with its user and sandbox", "sudo socketgi doctor "+app.Name)
		return f
	}
	unit := fmt.Sprintf("%s@%s_%d.service", app.Name, checkInstance, os.Getpid())
	remove, err := app.WriteCheck(unit, func(command string) string {
		return fmt.Sprintf(override, command, int(loadTime.Seconds()))
	})
	defer remove()
	if err != nil {
		f.unchecked(err.Error(), "")
		return f
	}
	began := time.Now()
	result, err := x.start(ctx, unit)
	if err != nil {
		f.unchecked("systemd doesn't start "+unit+": "+err.Error(), "")
		return f
	}
	what := app.What
	if what == "" {
		what = app.Name
	}
	who, _ := runsAs(app, x.ifThere(ctx, serviceOf(app), "Service"))
	if result == "done" {
		f.ok(what + " loads as " + who + ", in its sandbox")
		return f
	}
	service := x.ifThere(context.WithoutCancel(ctx), unit, "Service")
	defer func() { _ = x.manager.ResetFailedUnitContext(context.WithoutCancel(ctx), unit) }()
	notLoaded(app, what, who, service, unitLog(unit, began), &f)
	return f
}

// start starts a unit and waits for the end of its job.
func (x *examination) start(ctx context.Context, unit string) (result string, err error) {
	ended := make(chan string, 1)
	if _, err := x.manager.StartUnitContext(ctx, unit, "replace", ended); err != nil {
		return "", err
	}
	select {
	case result = <-ended:
		return result, nil
	case <-ctx.Done():
		_, _ = x.manager.StopUnitContext(context.WithoutCancel(ctx), unit, "replace", nil)
		return "", ctx.Err()
	case <-time.After(loadTime + 30*time.Second):
		return "", errors.New("there is no end of it")
	}
}

// override makes the unit load the application and end.
const override = `
[Unit]
# It is asked how it ended before it is forgotten.
CollectMode=inactive
[Service]
Type=oneshot
ExecStart=
ExecStart=%s
ExecStartPost=
ExecStop=
ExecStopPost=
RemainAfterExit=no
Restart=no
WatchdogSec=0
StandardInput=null
TimeoutStartSec=%d
`

// unitLog returns what a unit has left in the journal since then, its own lines and
// systemd's about it. The name is asked for, and not the invocation: of a process that has
// ended journald may not find out the latter.
func unitLog(unit string, since time.Time) (lines []string) {
	_ = exec.Command("journalctl", "--sync").Run() // what was just written is not yet there otherwise
	out, err := exec.Command("journalctl", "--no-pager", "--quiet", "--all", "--lines=1000", "-o", "json", "-u", unit,
		fmt.Sprintf("--since=@%d", since.Unix())).Output()
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(out)) {
		var e struct {
			Message any    `json:"MESSAGE"`
			PID     string `json:"_PID"`
		}
		if json.Unmarshal([]byte(line), &e) != nil {
			continue
		}
		text, ok := e.Message.(string)
		if list, isList := e.Message.([]any); isList { // of bytes, when it isn't plain text
			var b strings.Builder
			for _, n := range list {
				if f, isNumber := n.(float64); isNumber {
					b.WriteByte(byte(f))
				}
			}
			text, ok = b.String(), true
		}
		if ok && (e.PID != "1" || !idle.MatchString(text)) {
			lines = append(lines, strings.TrimRight(text, "\n"))
		}
	}
	return lines
}

// idle is what systemd says of every service that fails.
var idle = regexp.MustCompile(`Main process exited|Failed with result|^Failed to start|^Starting|^Finished|Consumed`)

// mostLines of a log are shown, the last ones.
const mostLines = 30

// notLoaded says why an application doesn't load, by how its service ended.
func notLoaded(app *host.Application, name, who string, service manager.Properties, log []string, f *findings) {
	again := "correct it, then: socketgi doctor " + app.Name
	edit := "systemctl edit --full " + app.Service.Name
	text := strings.Join(log, "\n")
	if lines := strings.Split(text, "\n"); len(lines) > mostLines {
		text = strings.Join(lines[len(lines)-mostLines:], "\n")
	}
	if text != "" {
		text = ":\n" + text
	}
	const why = "each request is answered with 500"
	status := service.Number("ExecMainStatus")
	switch {
	case strings.Contains(text, "not defined: -check"):
		f.unchecked(app.Exec[0]+" is older than this program, and knows no --check", "make install")
	case service.Text("Result") == "timeout":
		f.fail(fmt.Sprintf("%s is not loaded after %v%s", name, loadTime, text), "a request takes longer than that", again)
	// Exit statuses of systemd itself (systemd.exec(5), Process Exit Codes).
	case status == 203:
		f.fail(app.Exec[0]+" can't be executed"+text, why, edit)
	case status == 217 || status == 216:
		f.fail("the user or group of "+app.Service.Name+" is not there: "+who+text, why, "adduser --system --group "+shell(who))
	case status == 200:
		dir := app.Service.Get("Service", "WorkingDirectory")
		if mend := letIn(app, filepath.Join(dir, "file")); mend != "" {
			edit = mend
		}
		f.fail("the folder "+dir+" can't be entered by "+who+text, why, edit)
	case status == 226:
		f.fail("the sandbox can't be made"+text, why, edit)
	case status >= 200 && status < 250 && service.Number("ExecMainCode") == 1:
		f.fail(fmt.Sprintf("systemd can't set up %s (status %d, systemd.exec(5))%s", app.Service.Name, status, text), why, edit)
	default:
		what := name + " doesn't load as " + who + text
		if service.Text("Result") == "" {
			what += " (systemd says no more about it)"
		}
		if mend := mendPathIn(app, text); mend != "" {
			again = mend
		}
		f.fail(what, why, again)
	}
}

var (
	// denied finds what may not be read, in the words of Python and of the adapter.
	denied = regexp.MustCompile(`[Pp]ermission denied:? '?(/[^'\n:]+)|(/[^'\n: ]+)(?:'|:| may)[^\n]*[Pp]ermission denied`)
	// missing finds what is not there.
	missing = regexp.MustCompile(`No such file or directory:? '?(/[^'\n:]+)|(/[^'\n: ]+)(?:'|:| is)[^\n]*(?:[Nn]o such file|not there)`)
)

// mendPathIn is a command for a path that the log says is out of reach, "" if there is
// none.
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
		if _, err := os.Stat(path); err == nil { // so it is the sandbox that hides it
			return dropIn(app.Service.Name, "Service", "BindReadOnlyPaths="+path)
		}
	}
	return ""
}

// isPart tells whether a path is one that the units name, or below one of those. The log has what
// the application likes, and nobody is to be told to open /etc/shadow to it. A link in the folder
// doesn't lead out of it.
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

// letIn is a command that lets the application's user at a file, "" if it isn't kept
// from it by the modes of the file and of the folders above it.
func letIn(app *host.Application, path string) string {
	id, err := access.RightsOf(app.Service.Get("Service", "User"), app.Service.Get("Service", "Group"))
	if err != nil { // one that exists only while it runs: nothing belongs to it
		if id, err = access.RightsOf("nobody", ""); err != nil {
			return ""
		}
	}
	if where := id.Obstacle(path); where != path {
		return "chmod a+x " + shell(where)
	}
	// It is asked, and not opened: the log has the path, and it may be a pipe or a device.
	readable := id.Do(func() error { return unix.Faccessat(unix.AT_FDCWD, path, unix.R_OK, unix.AT_EACCESS) })
	if errors.Is(readable, fs.ErrPermission) {
		return "chmod a+r " + shell(filepath.Clean(path))
	}
	return ""
}
