package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
	"github.com/socketgi/socketgi/units"
)

// reload makes nginx read its configuration, and ends when the new one is in effect.
const reload = "socketgi nginx --reload"

// andReload follows a command that has changed nginx's configuration.
const andReload = " && " + reload

// edits are changes of nginx's configuration, each a script of sed(1) for a file.
type edits []struct{ file, script string }

func (e *edits) add(file, format string, args ...any) {
	*e = append(*e, struct{ file, script string }{file, fmt.Sprintf(format, args...)})
}

// command edits the files, one after the other, and reloads nginx. Scripts address lines by number, so none
// may add or remove a line.
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

// edit returns a command that edits a file of nginx's configuration with sed, and reloads nginx.
func edit(file, format string, args ...any) string {
	var e edits
	e.add(file, format, args...)
	return e.command()
}

// insert inserts a directive before scgi_pass.
func (e *edits) insert(r route, directive string) {
	e.add(r.pass.File, `%ds|\b%s\s|%s &|`, r.pass.Line, r.pass.Name, directive)
}

// insert returns a command that inserts a directive before scgi_pass.
func insert(r route, directive string) string {
	var e edits
	e.insert(r, directive)
	return e.command()
}

// set sets a directive in the block of a route.
func (e *edits) set(r route, name, value string) {
	for _, d := range r.level.Block {
		if d.Name == name {
			e.add(d.File, `%ds|\b%s\s[^;]*;|%s %s;|`, d.Line, name, name, value)
			return
		}
	}
	e.insert(r, name+" "+value+";")
}

// set returns a command that sets a directive in the block of a route.
func set(r route, name, value string) string {
	var e edits
	e.set(r, name, value)
	return e.command()
}

// setParam returns a command that sets a variable.
func setParam(r route, name, value string) string {
	return replaceParam(r, name, "scgi_param "+name+" "+value+";")
}

// setHost returns a command that sets HTTP_HOST as in the location of socketgi nginx.
func setHost(r route) string {
	return replaceParam(r, "HTTP_HOST", strings.Join(strings.Fields(units.NginxHost), " "))
}

// replaceParam returns a command that replaces the directive of a variable by others. In a level without
// scgi_param they would hide the inherited ones, so scgi_params is included.
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

// setBuffers sets all three sizes: nginx refuses sizes that don't fit each other.
func (e *edits) setBuffers(r route) {
	e.set(r, "scgi_buffer_size", "32k")
	e.set(r, "scgi_buffers", "16 32k")
	e.set(r, "scgi_busy_buffers_size", "64k")
}
