package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/units"
)

// Application is an installed application: a pair of units with an [X-Socketgi] section.
type Application struct {
	Name string
	// What is the operator's name for it (Application= in [X-Socketgi]).
	What            string
	Socket, Service *Unit
	// Slice has its limits; nil: none.
	Slice *Unit
	// Warm is true if the service accepts connections (Accept=no).
	Warm bool
	// Listen is the address of the socket: a path, or HOST:PORT.
	Listen string
	// Exec is the command line of the service.
	Exec []string
	// Adapter has the values of that command line, as far as they can be parsed, if the service runs the
	// adapter; otherwise the defaults.
	Adapter adapter.Options
}

// ErrNoApplication is returned for an unknown application.
var ErrNoApplication = errors.New("no such application")

// Load reads an application's present units, with their drop-ins.
func (h Host) Load(name string) (*Application, error) {
	if err := units.CheckName(name); err != nil {
		return nil, err
	}
	a := &Application{Name: name}
	var err error
	if a.Socket, err = h.Unit(name + ".socket"); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: %w; see socketgi list", name, ErrNoApplication)
		}
		return nil, err
	}
	a.Warm = !slices.Contains([]string{"yes", "true", "on", "1"}, strings.ToLower(a.Socket.Get("Socket", "Accept")))
	file := name + "@.service"
	if a.Warm {
		file = name + ".service"
	}
	if a.Service, err = h.Unit(file); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, h.noService(a, file)
		}
		return nil, err
	}
	if !a.Service.Has("X-Socketgi") {
		return nil, fmt.Errorf("%s has no [X-Socketgi] section: %w", file, ErrNoApplication)
	}
	if a.Slice, err = h.Unit(units.SliceName(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	a.What = unescape(a.Service.Get("X-Socketgi", "Application"))
	a.Listen = h.expand(a.Socket.Get("Socket", "ListenStream"))
	if a.Exec, err = units.ParseCommandLine(a.Service.Get("Service", "ExecStart")); err != nil {
		place := a.Service.Path
		if set := a.Service.Settings("Service", "ExecStart"); len(set) > 0 {
			place = set[len(set)-1].Place()
		}
		return nil, fmt.Errorf("%s: ExecStart=: %w", place, err)
	}
	if a.Adapter = adapter.Default(); a.UsesAdapter() {
		a.Adapter = adapter.Read(a.Exec[1:])
	}
	return a, nil
}

// ErrNoService is returned for a socket without its service. It is [ErrNoApplication], too.
var ErrNoService = errors.New("the service of the socket is missing")

type noServiceError string

func (e noServiceError) Error() string { return string(e) }

func (e noServiceError) Is(target error) bool {
	return target == ErrNoService || target == ErrNoApplication
}

// noService distinguishes a missing service from a wrong Accept= of the socket.
func (h Host) noService(a *Application, file string) error {
	other := a.Name + ".service"
	if a.Warm {
		other = a.Name + "@.service"
	}
	what := fmt.Sprintf("%s exists, but %s is missing", a.Socket.Path, file)
	if u, err := h.Unit(other); err == nil && u.Has("X-Socketgi") {
		what = fmt.Sprintf("%s starts %s (Accept=), but only %s exists", a.Socket.Path, file, other)
	}
	return noServiceError(what)
}

// expand resolves the specifiers of generated sockets (systemd.unit(5)).
func (h Host) expand(s string) string {
	if rest, ok := strings.CutPrefix(s, "%t/"); ok {
		s = h.runtimeDir() + "/" + rest
	}
	return unescape(s)
}

// unescape replaces %% by % (systemd.unit(5), Specifiers).
func unescape(s string) string { return strings.ReplaceAll(s, "%%", "%") }

// Mount is the prefix of the application's paths, "" for all of the server.
func (a *Application) Mount() string {
	if a.Adapter.Mount != "" {
		return a.Adapter.Mount
	}
	return a.Service.Get("X-Socketgi", "Mount")
}

// List reads all applications, and returns the errors of those that can't be read.
func (h Host) List() (apps []*Application, problems []error) {
	dirs, err := h.Dirs()
	if err != nil {
		return nil, []error{err}
	}
	names := map[string]bool{}
	for _, dir := range dirs {
		files, _ := filepath.Glob(filepath.Join(dir, "*.service"))
		for _, file := range files {
			// Most units are no applications: a quick check before parsing.
			real, err := h.real(file)
			if err != nil {
				continue
			}
			if text, err := os.ReadFile(real); err == nil && strings.Contains(string(text), "\n[X-Socketgi]") {
				name := strings.TrimSuffix(filepath.Base(file), ".service")
				names[strings.TrimSuffix(name, "@")] = true
			}
		}
	}
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	sort.Strings(sorted)
	for _, name := range sorted {
		a, err := h.Load(name)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		apps = append(apps, a)
	}
	return apps, problems
}

// UsesAdapter reports whether the service runs socketgi-adapter, not a program that implements SCGI itself.
func (a *Application) UsesAdapter() bool {
	return len(a.Exec) > 0 && filepath.Base(a.Exec[0]) == adapter.Program
}

// Allowed are the users besides root whose requests the adapter serves, by number or name as on its
// command line; nil for every user that may connect. A value that systemd expands, such as
// ${UIDS}, is returned unchanged.
func (a *Application) Allowed() (users []string) {
	for _, uid := range a.Adapter.AllowUIDs {
		users = append(users, strconv.FormatUint(uint64(uid), 10))
	}
	if users = append(users, a.Adapter.AllowUsers...); users != nil || !a.UsesAdapter() {
		return users
	}
	for i, word := range a.Exec {
		name, value, given := strings.Cut(strings.TrimPrefix(word, "-"), "=")
		if name != "-allow-uid" && name != "allow-uid" && name != "-allow-user" {
			continue
		}
		if !given && i+1 < len(a.Exec) {
			value = a.Exec[i+1]
		}
		users = append(users, value)
	}
	return users
}
