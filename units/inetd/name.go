package inetd

import (
	"path"
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/units"
)

// free returns a free name for the units. Those of plain services begin with
// inetd-: ssh.socket would replace what the distribution calls so.
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

// take makes a name one that is not free.
func (im *Importer) take(name string) {
	if im.taken == nil {
		im.taken = map[string]bool{}
	}
	im.taken[name] = true
}

// baseName is what a socket or a program is called, without its directory and kind.
func baseName(file string) string {
	base := path.Base(file)
	for _, kind := range []string{".sock", ".socket", ".cgi", ".py", ".pl", ".sh"} {
		base = strings.TrimSuffix(base, kind)
	}
	return base
}
