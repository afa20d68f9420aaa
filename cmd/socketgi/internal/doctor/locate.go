package doctor

import (
	"regexp"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
)

// locate returns the location that nginx chooses for a path in a block, nil for none
// (ngx_http_core_find_location): an exact one, or else the one with the longest prefix, and of those in it
// likewise. The first matching regular expression has precedence, unless the prefix has ^~.
func locate(block []*nginxconf.Directive, path string) *nginxconf.Directive {
	found, _ := search(block, path)
	return found
}

// search is locate; final is true if no regular expression of the outer blocks has precedence.
func search(block []*nginxconf.Directive, path string) (found *nginxconf.Directive, final bool) {
	longest := -1
	for _, d := range block {
		if d.Name != "location" || len(d.Args) == 0 {
			continue
		}
		prefix := d.Arg(len(d.Args) - 1)
		switch {
		case d.Arg(0) == "=" && path == prefix:
			return d, true
		case (len(d.Args) == 1 && !strings.HasPrefix(prefix, "@") || d.Arg(0) == "^~") && strings.HasPrefix(path, prefix) && len(prefix) > longest:
			found, longest = d, len(prefix)
		}
	}
	if found != nil {
		final = found.Arg(0) == "^~"
		if inner, exact := search(found.Block, path); inner != nil {
			if found = inner; exact {
				return found, true
			}
		}
	}
	if final {
		return found, false
	}
	for _, d := range block {
		if d.Name == "location" && matches(d, path) {
			if inner, _ := search(d.Block, path); inner != nil {
				d = inner
			}
			return d, true
		}
	}
	return found, false
}

// matches reports whether a location has a regular expression that matches a path. Syntax that only
// PCRE has doesn't match.
func matches(l *nginxconf.Directive, path string) bool {
	pattern := l.Arg(1)
	switch l.Arg(0) {
	case "~":
	case "~*":
		pattern = "(?i)" + pattern
	default:
		return false
	}
	re, err := regexp.Compile(pattern)
	return err == nil && re.MatchString(path)
}

// taker returns the location that nginx chooses for a path in the server of a route.
func taker(r route, path string) *nginxconf.Directive {
	server := r.level.In("server")
	if server == nil {
		return nil
	}
	return locate(server.Block, path)
}

// judgePlace finds a location that nginx doesn't choose for its own path.
func judgePlace(r route, ours []route, f *findings) {
	l := r.location()
	if l == nil || len(r.level.Here("internal")) > 0 {
		return
	}
	path, ok := pathOf(l)
	if !ok {
		return
	}
	at := taker(r, path)
	if at == nil || slices.ContainsFunc(ours, func(one route) bool { return one.location() == at }) {
		return
	}
	one := f.fail("location-shadowed", r.pass.Place()+": nginx chooses another location for "+path+": that at "+at.Place()+" ("+strings.Join(append([]string{"location"}, at.Args...), " ")+")",
		"clients don't reach the application", "")
	if len(l.Args) == 1 && strings.HasPrefix(at.Arg(0), "~") {
		one.Mend = edit(l.File, `%ds|\blocation\s\+|location ^~ |`, l.Line)
		return
	}
	one.Do = "remove one of the two locations, then: " + reload
}

// judgeStatic finds locations of static files whose requests go to the application.
func judgeStatic(r route, f *findings) {
	server := r.level.In("server")
	if server == nil {
		return
	}
	nginxconf.Walk(server.Block, func(d *nginxconf.Directive) {
		if d.Name != "alias" || d.Up == nil || d.Up.Name != "location" || len(d.Up.Args) != 1 || r.location() == nil {
			return
		}
		path := strings.TrimRight(d.Up.Arg(0), "/") + "/example"
		if at := taker(r, path); at == r.location() {
			f.warn("alias-shadowed", d.Place()+": the files of alias "+d.Arg(0)+" are never served: location "+strings.Join(at.Args, " ")+" at "+at.Place()+" has precedence",
				"requests for them go to the application", edit(d.Up.File, `%ds|\blocation\s\+|location ^~ |`, d.Up.Line))
		}
	})
}
