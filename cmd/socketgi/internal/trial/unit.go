package host

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// CheckInstance begins the name of the instance in which doctor loads an application; its
// process id follows.
const CheckInstance = "socketgi_check"

// WriteCheck writes what makes unit the application's service, with settings that count
// more than all others: they are made of the command line that has --check. For a
// template that is a drop-in of one instance; a service that stays is copied.
func (a *Application) WriteCheck(unit string, settings func(command string) string) (remove func(), err error) {
	command, err := withCheck(a.Service.Get("Service", "ExecStart"))
	if err != nil {
		return func() {}, err
	}
	text := settings(command)
	const dir = "/run/systemd/system/"
	if !a.Warm {
		remove = func() { _ = os.RemoveAll(dir + unit + ".d") }
		if err := os.MkdirAll(dir+unit+".d", 0o755); err != nil {
			return remove, err
		}
		return remove, os.WriteFile(dir+unit+".d/zzz-socketgi.conf", []byte(text), 0o644)
	}
	remove = func() { _ = os.Remove(dir + unit) }
	if a.Service.Get("Service", "DynamicUser") != "" && a.Service.Get("Service", "User") == "" && !userName.MatchString(a.Name) {
		// Its user is made of the whole name of the unit; another one would take the
		// application's folders away from it.
		return remove, fmt.Errorf("%s can't be the name of a user, so no other unit can have the user of %s", a.Name, a.Service.Name)
	}
	var all strings.Builder
	for _, path := range append([]string{a.Service.Path}, a.Service.DropIns...) {
		content, err := os.ReadFile(path)
		if err != nil {
			return remove, err
		}
		all.WriteString(alone(string(content)))
	}
	return remove, os.WriteFile(dir+unit, []byte(all.String()+text), 0o644)
}

// userName is what systemd takes for the name of a user (systemd.io/USER_NAMES).
var userName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_-]{0,30}$`)

// ties are directives that make other units start or stop with this one.
var ties = []string{"Requires", "Requisite", "Wants", "BindsTo", "PartOf", "Upholds", "Conflicts", "OnFailure", "OnSuccess",
	"Sockets", "PropagatesStopTo", "StopPropagatedFrom", "JoinsNamespaceOf", "FailureAction", "SuccessAction"}

// alone leaves ties out of the text of a unit.
func alone(text string) string {
	var b strings.Builder
	dropped := false
	for line := range strings.Lines(strings.TrimRight(text, "\n") + "\n") {
		if !dropped {
			name, _, _ := strings.Cut(line, "=")
			dropped = slices.Contains(ties, strings.TrimSpace(name))
		}
		if !dropped {
			b.WriteString(line)
		}
		dropped = dropped && strings.HasSuffix(line, "\\\n")
	}
	return b.String()
}

// withCheck puts --check right behind the program of a command line.
func withCheck(exec string) (string, error) {
	exec = strings.ReplaceAll(exec, "\\\n", " ")
	program, rest := CutProgram(exec)
	if prefix := program[:len(program)-len(strings.TrimLeft(program, "@-:+!"))]; strings.Contains(prefix, "@") {
		var name string // how it calls itself
		name, rest = CutProgram(rest)
		program += " " + name
	}
	if program == "" {
		return "", errors.New("ExecStart= is empty")
	}
	return strings.TrimRight(program+" --check "+rest, " "), nil
}

// CutProgram cuts the first word off a command line, with its quotes.
func CutProgram(s string) (word, rest string) {
	s = strings.TrimLeft(s, " \t")
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == ' ' || c == '\t':
			return s[:i], strings.TrimLeft(s[i:], " \t")
		}
	}
	return s, ""
}
