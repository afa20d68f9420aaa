// Package trial loads an application as a request would: in the sandbox of its units, as its user, with
// their environment. systemd starts a copy of its service, in which the adapter only loads the
// application (socketgi-adapter --check).
package trial

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/tree"
)

// Trial is an application to load. [Installed] and [Rendered] create one.
type Trial struct {
	// Host has the units, and Manager is the systemd that runs them.
	Host    host.Host
	Manager *manager.Manager
	// Limit is the time limit, in whole seconds; 0 for no limit.
	Limit time.Duration
	// Keep is called with the directory of the cached code, before that is removed; nil: nothing is
	// cached.
	Keep func(dir string) error
	// Locked: the caller has the lock against adding, removing and trying the application. The unit then
	// has the same name each time, and systemd reads all units again.
	Locked bool

	name    string
	service string   // the text of the unit's file, with its drop-ins where it is not of a template
	command string   // ExecStart=
	made    []string // folders, the innermost first
}

// Outcome is the result of a trial.
type Outcome struct {
	// Unit is the unit that systemd started.
	Unit string
	// Loaded is true if the application was loaded, and Interface its interface, WSGI or ASGI, "" if
	// unknown. The other fields are for a failure.
	Loaded    bool
	Interface string
	// Said is the end of the output of the adapter and the application.
	Said string
	// Result is systemd's, such as exit-code or timeout (systemd.exec(5), $SERVICE_RESULT); Code
	// and Status are those of the main process, as in waitid(2).
	Result       string
	Code, Status int
}

// exited is the Code of a process that has exited (CLD_EXITED).
const exited = 1

// SetUp returns systemd's exit status if it failed to set up the process before executing the program
// (systemd.exec(5), Process Exit Codes); 0: it didn't.
func (o Outcome) SetUp() int {
	if o.Code == exited && o.Status >= 200 && o.Status < 250 {
		return o.Status
	}
	return 0
}

// grace is the time that systemd may need for a unit beyond its limit.
const grace = 30 * time.Second

// Run loads the application. The error is the reason why that could not be tried; if the application can't be
// loaded, the outcome has the reason. Run removes all it has created, even if ctx ends.
func (t *Trial) Run(ctx context.Context) (o Outcome, err error) {
	runtime, err := t.Host.RuntimeDir()
	if err != nil {
		return o, err
	}
	out, err := newOutlet(runtime)
	if err != nil {
		return o, err
	}
	defer out.close()
	o.Unit = t.unit()
	defer func() { err = errors.Join(err, t.remove(context.WithoutCancel(ctx), runtime)) }()
	if err := t.write(runtime, out.path); err != nil {
		return o, err
	}
	if t.Locked {
		if err := t.Manager.ReloadContext(ctx); err != nil {
			return o, err
		}
	}
	switch err := t.start(ctx, o.Unit); {
	case err == nil:
		o.Loaded, o.Interface = true, interfaceIn(out.said())
		if t.Keep != nil {
			return o, t.Keep(filepath.Join(runtime, t.directory()))
		}
		return o, nil
	case !errors.Is(err, manager.ErrJob):
		return o, err
	}
	after := context.WithoutCancel(ctx)
	if p, err := t.Manager.Properties(after, o.Unit, "Service"); err == nil {
		o.Result = p.Text("Result")
		o.Code, o.Status = int(manager.Get[int32](p, "ExecMainCode")), int(manager.Get[int32](p, "ExecMainStatus"))
	}
	// The processes that it has left end, and print no more.
	if err := t.Manager.Stop(after, o.Unit); err != nil {
		return o, err
	}
	o.Said = out.said()
	return o, nil
}

// interfaceIn is the interface that the adapter has printed last.
func interfaceIn(said string) string {
	_, name, _ := strings.Cut(said[strings.LastIndexByte(said, '\n')+1:], adapter.InterfaceLine)
	if name == "WSGI" || name == "ASGI" {
		return name
	}
	return ""
}

// start starts the unit, and returns when the application is loaded.
func (t *Trial) start(ctx context.Context, unit string) error {
	if t.Limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, t.Limit+grace, fmt.Errorf("%s did not end in time", unit))
		defer cancel()
	}
	return t.Manager.Start(ctx, unit)
}

// remove stops the unit, and removes all files.
func (t *Trial) remove(ctx context.Context, runtime string) error {
	all := []error{t.Manager.Stop(ctx, t.unit())}
	// systemd doesn't remove a directory that is nested very deeply.
	all = append(all, tree.RemoveRuntime(filepath.Join(runtime, t.directory())))
	all = append(all, t.erase(runtime))
	if t.Locked {
		all = append(all, t.Manager.ReloadContext(ctx))
	}
	return errors.Join(all...)
}

// directory is the directory that systemd creates for the cached code, below the runtime directory. Names of
// applications have no @.
func (t *Trial) directory() string {
	return "socketgi-" + strings.TrimSuffix(t.unit(), ".service")
}

// Explain returns why systemd could not start the program, "" if the program ran and exited.
func (o Outcome) Explain() string {
	if o.Result == "exit-code" && o.Status < 200 {
		return ""
	}
	return fmt.Sprintf("systemd couldn't set up %s (%s, status %d): journalctl -u %s", o.Part(), o.Result, o.Status, o.Unit)
}

// Part returns the part of the set-up that failed, by the exit status of systemd's process.
func (o Outcome) Part() string {
	if part, ok := parts[o.Status]; ok {
		return part
	}
	return "it"
}

// parts has the exit statuses of systemd.exec(5), Process Exit Codes.
var parts = map[int]string{200: "its working directory", 203: "the program", 216: "its group", 217: "its user", 218: "its capabilities",
	226: "the sandbox's files", 228: "the sandbox's system calls", 233: "its runtime directory", 238: "its state directory",
	239: "its cache directory", 240: "its logs directory", 241: "its configuration directory", 243: "its credentials"}
