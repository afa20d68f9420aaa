package inetd

import (
	"path"
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/units"
)

// free returns an unused name for the units. Those of plain services begin with inetd-, as ssh.socket
// would replace the distribution's unit.
func (im *Importer) free(name string) string {
	name = strings.Map(func(c rune) rune {
		if c < 0x80 && units.CheckName("x"+string(c)) == nil {
			return c
		}
		return '-'
	}, name)
	if name = strings.TrimLeft(name, ".-"); len(name) > 56 {
		name = name[:56]
	}
	if name == "" {
		name = "service"
	}
	free := name
	for n := 2; im.taken[free]; n++ {
		free = name + "-" + strconv.Itoa(n)
	}
	return free
}

// take marks a name as used.
func (im *Importer) take(name string) {
	if im.taken == nil {
		im.taken = map[string]bool{}
	}
	im.taken[name] = true
}

// baseName is the name of a socket or a program without directory and extension.
func baseName(file string) string {
	base := path.Base(file)
	for _, kind := range []string{".sock", ".socket", ".cgi", ".py", ".pl", ".sh"} {
		base = strings.TrimSuffix(base, kind)
	}
	return base
}
