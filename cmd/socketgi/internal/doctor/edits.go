package doctor

import (
	"fmt"
	"strings"

	"github.com/socketgi/socketgi/units"
)

// reload has nginx read what was changed, and ends when that counts.
const reload = "socketgi nginx --reload"

// andReload follows a command that has changed nginx's configuration.
const andReload = " && " + reload

// edit is a command that changes a file of nginx's configuration with sed, and has nginx read it.
func edit(file, format string, args ...any) string {
	return "sed -i --follow-symlinks '" + fmt.Sprintf(format, args...) + "' " + shell(file) + andReload
}

// insert is a command that puts a directive before scgi_pass.
func insert(r route, directive string) string {
	return edit(r.pass.File, `%ds|%s|%s %s|`, r.pass.Line, r.pass.Name, directive, r.pass.Name)
}

// set is a command that gives a directive a value where the route is.
func set(r route, name, value string) string {
	for _, d := range r.level.Block {
		if d.Name == name {
			return edit(d.File, `%ds|%s\s[^;]*;|%s %s;|`, d.Line, name, name, value)
		}
	}
	return insert(r, name+" "+value+";")
}

// setParam is a command that sets a variable.
func setParam(r route, name, value string) string {
	return replaceParam(r, name, "scgi_param "+name+" "+value+";")
}

// setHost is a command that sets HTTP_HOST as the location of socketgi nginx does.
func setHost(r route) string {
	return replaceParam(r, "HTTP_HOST", strings.Join(strings.Fields(units.NginxHost), " "))
}

// replaceParam is a command that puts directives in the place of the one that sets a variable. Where
// there were none they must not hide those of the levels above.
func replaceParam(r route, name, directives string) string {
	own := false
	for _, d := range r.level.Block {
		own = own || d.Name == "scgi_param"
		if d.Name == "scgi_param" && d.Arg(0) == name && d.File == r.pass.File {
			return edit(d.File, `%ds|scgi_param\s\+%s\s[^;]*;|%s|`, d.Line, name, directives)
		}
	}
	if !own {
		directives = "include scgi_params; " + directives
	}
	return insert(r, directives)
}
