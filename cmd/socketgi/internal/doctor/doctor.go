package doctor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/failure"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"github.com/socketgi/socketgi/units"
)

// examination is the state that the checks share.
type examination struct {
	host    host.Host
	manager *manager.Manager // nil with noManager
	// noManager is the error of connecting to systemd.
	noManager error
	root      bool
	// noRequest omits the request through nginx.
	noRequest bool
	web       *webServer
	fronts    []*front
}

// check is one of the checks.
type check struct {
	name string
	look func(ctx context.Context, x *examination, app *host.Application) findings
	// after names a check whose errors cause errors of this one, which is then skipped.
	after string
}

// checks of an application. Errors in the units skip all others.
var checks = []check{
	{"units", checkUnits, ""},
	{"user", checkUser, ""},
	{"limits", checkLimits, ""},
	{"listens", checkListens, ""},
	{"connect", checkConnect, "listens"},
	{"room", checkRoom, ""},
	{"loads", checkLoads, ""},
	{"nginx", checkNginx, ""},
	{"apache", checkFront("apache"), ""},
	{"lighttpd", checkFront("lighttpd"), ""},
	{"answers", checkAnswers, ""},
}

// machineChecks check the machine; app is nil.
var machineChecks = []check{
	{"systemd", checkSystemd, ""},
	{"cgroups", checkCgroups, ""},
	{"security", checkSecurity, ""},
}

// Options select the checks.
type Options struct {
	// NoRequest omits requests through nginx.
	NoRequest bool
}

// Run checks the application called name, or for "" all applications and the machine. The error is for
// an invalid or unknown name.
func Run(ctx context.Context, h host.Host, o Options, name string) ([]Report, error) {
	if name != "" {
		if err := units.CheckName(name); err != nil {
			return nil, err
		}
	}
	x := &examination{host: h, root: os.Geteuid() == 0, noRequest: o.NoRequest}
	x.manager, x.noManager = h.Connect(ctx)
	if x.manager != nil {
		defer x.manager.Close()
	}
	x.web, x.fronts = findWebServer(ctx), findFronts()
	if name != "" {
		app, err := h.Load(name)
		if errors.Is(err, host.ErrNoApplication) && !errors.Is(err, host.ErrNoService) {
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
		machine.Findings = append(machine.Findings, Finding{Check: "units", ID: "no-applications", Level: Note, What: "no applications"})
	}
	machine.Findings = append(machine.Findings, run(ctx, x, nil, machineChecks)...)
	return append(reports, machine), nil
}

// application checks one application. It stops after errors in the units, which cause others.
func (x *examination) application(ctx context.Context, name string, app *host.Application, err error) Report {
	if err != nil {
		return Report{name, []Finding{unreadable(err)}}
	}
	r := Report{name, run(ctx, x, app, checks[:1])}
	if !findings(r.Findings).failed() {
		last := len(checks) - 1
		if r.Findings = append(r.Findings, run(ctx, x, app, checks[1:last])...); !findings(r.Findings).failed() {
			r.Findings = append(r.Findings, run(ctx, x, app, checks[last:])...)
		}
	}
	return r
}

func run(ctx context.Context, x *examination, app *host.Application, checks []check) (all []Finding) {
	for _, c := range checks {
		if slices.ContainsFunc(all, func(f Finding) bool { return f.Check == c.after && f.Level == Error }) {
			continue
		}
		for _, f := range c.look(ctx, x, app) {
			f.Check = c.name
			if x.host.User && !slices.Contains([]string{"nginx", "apache", "lighttpd", "answers"}, c.name) {
				f.Mend, f.Do = x.ofUser(f.Mend), x.ofUser(f.Do)
			}
			if f.ID == "" {
				f.ID = c.name + "-" + string(f.Level)
			}
			all = append(all, f)
		}
	}
	return all
}

// errorPlace matches the file and line at the beginning of an error.
var errorPlace = regexp.MustCompile(`^(/\S+?)(?::(\d+))?: `)

// unreadable is the finding for units that can't be read; the error names the file.
func unreadable(err error) Finding {
	f := Finding{Check: "units", ID: "unit-unreadable", Level: Error, What: failure.Text(err), Why: "the web server gets no response and answers 502"}
	m := errorPlace.FindStringSubmatch(failure.Text(err))
	switch {
	case errors.Is(err, host.ErrMasked) && m != nil:
		f.ID = "unit-masked"
		f.Mend = "rm " + shell(m[1]) + " && systemctl daemon-reload"
		if rest := strings.TrimPrefix(m[1], "/etc/systemd/system/"); !belowEtc(rest) {
			f.Mend, f.Do = "", "restore "+m[1]+": run socketgi add again"
		}
	case errors.Is(err, host.ErrNoService):
		f.ID = "service-missing"
		f.Do = "restore the service, or run socketgi add again; if Accept= of the socket is wrong, correct it, then: systemctl daemon-reload"
	case m != nil:
		f.Do = "correct " + strings.TrimSuffix(m[0], ": ") + ", then: systemctl daemon-reload"
	default:
		f.Do = "correct that file, then: systemctl daemon-reload"
	}
	return f
}

// belowEtc reports whether a unit of that name exists outside of /etc.
func belowEtc(name string) bool {
	for _, dir := range []string{"/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return false
}

// of returns a unit's properties, including those of its type (Socket, Service).
func (x *examination) of(ctx context.Context, unit, kind string) (manager.Properties, error) {
	if x.manager == nil {
		return nil, x.noManager
	}
	return x.manager.Properties(ctx, unit, kind)
}

// ifThere is [examination.of] without the error.
func (x *examination) ifThere(ctx context.Context, unit, kind string) manager.Properties {
	p, _ := x.of(ctx, unit, kind)
	return p
}
