// Package trial loads an application once as a request would: in the sandbox of its units, as its
// user, with their environment. systemd starts its service for that once more, and the adapter
// does nothing else (socketgi-adapter --check).
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

// Trial is an application that is to be loaded. [Installed] and [Rendered] make one.
type Trial struct {
	// Host and Manager are whose units are meant, and the systemd that runs them.
	Host    host.Host
	Manager *manager.Manager
	// Limit is how long it may take, in whole seconds; 0 is for as long as it wants.
	Limit time.Duration
	// Keep gets the directory with the code that was cached, while that is there; nil leaves
	// the cache as it is.
	Keep func(dir string) error
	// Locked says that nobody else adds, removes or tries the application meanwhile. The unit has
	// the same name each time then, and systemd reads all units again.
	Locked bool

	name    string
	service string   // the text of the unit's file, with its drop-ins where it is not of a template
	command string   // ExecStart=
	made    []string // folders, the innermost first
}

// Outcome is how a trial ended.
type Outcome struct {
	// Unit is what systemd started.
	Unit string
	// Loaded says that the application can be loaded. Interface is its interface then, WSGI or ASGI,
	// "" where that is unknown. The rest is of one that can't.
	Loaded    bool
	Interface string
	// Said is the end of what the adapter and the application wrote.
	Said string
	// Result is systemd's, such as exit-code or timeout (systemd.exec(5), $SERVICE_RESULT); Code
	// and Status are of the main process, as waitid(2) has them.
	Result       string
	Code, Status int
}

// exited is the Code of a process that has ended by itself (CLD_EXITED).
const exited = 1

// SetUp returns the exit status by which systemd tells what it could not set up before the
// program ran (systemd.exec(5), Process Exit Codes); 0 where it did not fail there.
func (o Outcome) SetUp() int {
	if o.Code == exited && o.Status >= 200 && o.Status < 250 {
		return o.Status
	}
	return 0
}

// grace is what systemd may take for a unit beyond its limit.
const grace = 30 * time.Second

// Run loads the application. The error is for what kept it from being tried; of an application
// that can't be loaded the outcome tells. It leaves nothing behind, even when ctx ends.
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
	// Processes that it left end, and print no more.
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

// remove takes all back. What runs goes first.
func (t *Trial) remove(ctx context.Context, runtime string) error {
	all := []error{t.Manager.Stop(ctx, t.unit())}
	// systemd gives up on a directory with very many in each other.
	all = append(all, tree.RemoveRuntime(filepath.Join(runtime, t.directory())))
	all = append(all, t.erase(runtime))
	if t.Locked {
		all = append(all, t.Manager.ReloadContext(ctx))
	}
	return errors.Join(all...)
}

// directory is what systemd makes for the cached code, below the runtime directory. No
// application can have a name with an @.
func (t *Trial) directory() string {
	return "socketgi-" + strings.TrimSuffix(t.unit(), ".service")
}

// Explain says what kept systemd from starting the program, "" where it ran and ended by itself.
func (o Outcome) Explain() string {
	if o.Result == "exit-code" && o.Status < 200 {
		return ""
	}
	return fmt.Sprintf("systemd couldn't set up %s (%s, status %d): journalctl -u %s", o.Part(), o.Result, o.Status, o.Unit)
}

// Part is what systemd could not set up, by the exit status of its process.
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
