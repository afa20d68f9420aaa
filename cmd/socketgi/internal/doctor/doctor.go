package doctor

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"github.com/socketgi/socketgi/units"
)

// examination is what the checks share.
type examination struct {
	host    host.Host
	manager *manager.Manager // nil: noManager says why
	// noManager is why systemd can't be asked.
	noManager error
	root      bool
	web       *webServer
}

// check looks at one thing.
type check struct {
	name string
	look func(ctx context.Context, x *examination, app *host.Application) findings
}

// checks of an application. Each stands for itself: one that fails hides no other.
var checks = []check{
	{"units", checkUnits},
	{"user", checkUser},
	{"limits", checkLimits},
	{"listens", checkListens},
	{"connect", checkConnect},
	{"loads", checkLoads},
	{"nginx", checkNginx},
}

// machineChecks look at the machine, app is nil.
var machineChecks = []check{
	{"systemd", checkSystemd},
	{"cgroups", checkCgroups},
	{"security", checkSecurity},
}

// Run examines the application called name, or with name "" all of them and the machine.
// The error is for a name that nothing is called.
func Run(ctx context.Context, h host.Host, name string) ([]Report, error) {
	if name != "" {
		if err := units.CheckName(name); err != nil {
			return nil, err
		}
	}
	x := &examination{host: h, root: os.Geteuid() == 0}
	x.manager, x.noManager = h.Connect(ctx)
	if x.manager != nil {
		defer x.manager.Close()
	}
	x.web = findWebServer(ctx)
	if name != "" {
		app, err := h.Load(name)
		if errors.Is(err, host.ErrNoApplication) {
			return nil, err
		}
		return []Report{x.application(ctx, name, app, err)}, nil
	}
	apps, problems := h.List()
	var reports []Report
	for _, app := range apps {
		reports = append(reports, x.application(ctx, app.Name, app, nil))
	}
	machine := Report{}
	for _, err := range problems {
		machine.Findings = append(machine.Findings, unreadable(err))
	}
	if len(apps) == 0 && len(problems) == 0 {
		machine.Findings = append(machine.Findings, Finding{Check: "units", Level: Note, What: "there are no applications"})
	}
	machine.Findings = append(machine.Findings, run(ctx, x, nil, machineChecks)...)
	return append(reports, machine), nil
}

// application examines one. Where its units can't be read there is nothing to go by.
func (x *examination) application(ctx context.Context, name string, app *host.Application, err error) Report {
	if err == nil {
		return Report{name, run(ctx, x, app, checks)}
	}
	r := Report{name, []Finding{unreadable(err)}}
	for _, c := range checks[1:] {
		r.Findings = append(r.Findings, Finding{Check: c.name, Level: Unchecked, What: "the units can't be read"})
	}
	return r
}

func run(ctx context.Context, x *examination, app *host.Application, checks []check) (all []Finding) {
	for _, c := range checks {
		for _, f := range c.look(ctx, x, app) {
			f.Check = c.name
			all = append(all, f)
		}
	}
	return all
}

// unreadable is about units that can't be read; the error names the file.
func unreadable(err error) Finding {
	mend := "correct that file, then: systemctl daemon-reload"
	if file, _, ok := strings.Cut(err.Error(), ": "); ok && strings.HasPrefix(file, "/") {
		mend = "${EDITOR:-vi} " + shell(file) + " && systemctl daemon-reload"
	}
	return Finding{Check: "units", Level: Error, What: err.Error(),
		Why: "systemd leaves out what it can't read, and goes on as if it weren't there", Mend: mend}
}

// of asks systemd for a unit's properties, those of its type (Socket, Service) included.
func (x *examination) of(ctx context.Context, unit, kind string) (manager.Properties, error) {
	if x.manager == nil {
		return nil, x.noManager
	}
	return x.manager.Properties(ctx, unit, kind)
}

// ifThere returns no properties where systemd has none.
func (x *examination) ifThere(ctx context.Context, unit, kind string) manager.Properties {
	p, _ := x.of(ctx, unit, kind)
	return p
}
