package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
	"github.com/socketgi/socketgi/units"
)

// reload has nginx read what was changed, and ends when that counts.
const reload = "socketgi nginx --reload"

// andReload follows a command that has changed nginx's configuration.
const andReload = " && " + reload

// edits are changes of nginx's configuration, each a script of sed(1) for a file.
type edits []struct{ file, script string }

func (e *edits) add(file, format string, args ...any) {
	*e = append(*e, struct{ file, script string }{file, fmt.Sprintf(format, args...)})
}

// command makes the changes, file by file, and has nginx read them. Scripts go by the numbers of lines:
// none may add or remove one.
func (e edits) command() string {
	var files []string
	for _, one := range e {
		if !slices.Contains(files, one.file) {
			files = append(files, one.file)
		}
	}
	var commands []string
	for _, file := range files {
		var scripts []string
		for _, one := range e {
			if one.file == file {
				scripts = append(scripts, one.script)
			}
		}
		commands = append(commands, guarded(file, sed(file, strings.Join(scripts, ";")), "nginx -t -q"))
	}
	return strings.Join(commands, " && ") + andReload
}

// edit is a command that changes a file of nginx's configuration with sed, and has nginx read it.
func edit(file, format string, args ...any) string {
	var e edits
	e.add(file, format, args...)
	return e.command()
}

// insert puts a directive before scgi_pass.
func (e *edits) insert(r route, directive string) {
	e.add(r.pass.File, `%ds|\b%s\s|%s &|`, r.pass.Line, r.pass.Name, directive)
}

// insert is a command that puts a directive before scgi_pass.
func insert(r route, directive string) string {
	var e edits
	e.insert(r, directive)
	return e.command()
}

// set gives a directive a value where the route is.
func (e *edits) set(r route, name, value string) {
	for _, d := range r.level.Block {
		if d.Name == name {
			e.add(d.File, `%ds|\b%s\s[^;]*;|%s %s;|`, d.Line, name, name, value)
			return
		}
	}
	e.insert(r, name+" "+value+";")
}

// set is a command that gives a directive a value where the route is.
func set(r route, name, value string) string {
	var e edits
	e.set(r, name, value)
	return e.command()
}

// setParam is a command that sets a variable.
func setParam(r route, name, value string) string {
	return replaceParam(r, name, "scgi_param "+name+" "+value+";")
}

// setHost is a command that sets HTTP_HOST as the location of socketgi nginx does.
func setHost(r route) string {
	return replaceParam(r, "HTTP_HOST", strings.Join(strings.Fields(units.NginxHost), " "))
}

// replaceParam returns a command that replaces the directive of a variable by others. Where
// there were none they must not hide those of the levels above.
func replaceParam(r route, name, directives string) string {
	directives = strings.NewReplacer(`\`, `\\`, "&", `\&`, "|", `\|`).Replace(directives) // for sed
	var e edits
	own := false
	var last *nginxconf.Directive
	for _, d := range r.level.Block {
		own = own || d.Name == "scgi_param"
		if d.Name == "scgi_param" && d.Arg(0) == name && d.File == r.pass.File {
			last = d
		}
	}
	switch {
	case last != nil:
		e.add(last.File, `%ds|\bscgi_param\s\+%s\s[^;]*;|%s|`, last.Line, name, directives)
	case own:
		e.insert(r, directives)
	default:
		e.insert(r, "include scgi_params; "+directives)
	}
	return e.command()
}

// setBuffers sets the three sizes that nginx refuses where they don't fit each other.
func (e *edits) setBuffers(r route) {
	e.set(r, "scgi_buffer_size", "32k")
	e.set(r, "scgi_buffers", "16 32k")
	e.set(r, "scgi_busy_buffers_size", "64k")
}
