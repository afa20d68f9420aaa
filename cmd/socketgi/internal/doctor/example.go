package doctor

import (
	"bytes"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
	"github.com/socketgi/socketgi/scgi"
)

// example is a request as an application receives it by a route.
type example struct {
	path   string // of the URL
	prefix string // of the location, "" for / and for locations without a prefix
	exact  bool   // the location has no prefix to remove
	script string
	info   string
	// unsure is a variable whose value isn't known here.
	unsure string
}

// makeExample makes a request for a route. It fails if no URL that reaches it is found, or if the
// adapter would refuse the request.
func makeExample(r route, mount string) (*example, error) {
	e := &example{}
	captures, ok := e.choose(r, mount)
	if !ok {
		return nil, errNoExample
	}
	v := newVariables(e.path)
	for name, value := range captures {
		v[name] = value
	}
	v.assign(r.level)
	var header []scgi.Header
	for _, p := range r.level.Here("scgi_param") {
		name := p.Arg(0)
		value, unsure := v.expand(p.Arg(1))
		if p.Arg(2) == "if_not_empty" && value == "" || name == "SCGI" || name == "CONTENT_LENGTH" {
			continue
		}
		if unsure != "" && (name == "SCRIPT_NAME" || name == "PATH_INFO" || name == "DOCUMENT_URI") {
			e.unsure = unsure
		}
		header = append(header, scgi.Header{Name: name, Value: value})
	}
	wire, err := scgi.AppendRequest(nil, 0, header)
	if err != nil {
		return nil, err
	}
	req, err := scgi.ReadHeader(bytes.NewReader(wire), nil)
	if err != nil {
		return nil, err
	}
	params, err := req.Params(strings.TrimRight(mount, "/"))
	if err != nil {
		return nil, err
	}
	for _, p := range params {
		switch p.Name {
		case "SCRIPT_NAME":
			e.script = p.Value
		case "PATH_INFO":
			e.info = p.Value
		}
	}
	return e, nil
}

// choose finds a path that the route's location matches.
func (e *example) choose(r route, mount string) (captures map[string]string, ok bool) {
	l := r.location()
	if l == nil { // scgi_pass stands in no location: nginx allows that only in if
		e.path, e.exact = "/example", true
		return nil, true
	}
	if len(l.Args) < 2 { // a prefix
		prefix := l.Arg(0)
		if strings.HasPrefix(prefix, "@") {
			e.path, e.exact = "/example", true
			return nil, true
		}
		e.prefix = strings.TrimRight(prefix, "/")
		e.path = e.prefix + "/example"
		return nil, true
	}
	switch pattern := l.Arg(1); l.Arg(0) {
	case "=":
		e.path, e.exact = pattern, true
		return nil, true
	case "^~":
		e.prefix = strings.TrimRight(pattern, "/")
		e.path = e.prefix + "/example"
		return nil, true
	case "~", "~*":
		if l.Arg(0) == "~*" {
			pattern = "(?i)" + pattern
		}
		re, err := regexp.Compile(pattern)
		if err != nil { // syntax of PCRE only
			return nil, false
		}
		e.prefix = strings.TrimRight(literal(pattern), "/")
		e.exact = e.prefix == ""
		for _, try := range []string{e.prefix + "/example", e.prefix, strings.TrimRight(mount, "/") + "/example", "/example.py", "/example.cgi", "/cgi-bin/example"} {
			if m := re.FindStringSubmatch(try); m != nil && try != "" {
				e.path = try
				return captured(re, m), true
			}
		}
	}
	return nil, false
}

// literal returns the literal prefix common to all paths that a regular expression matches.
func literal(pattern string) string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return ""
	}
	var b strings.Builder
	anchored := false
	var add func(re *syntax.Regexp) (whole bool)
	add = func(re *syntax.Regexp) bool {
		switch re.Op {
		case syntax.OpBeginLine, syntax.OpBeginText:
			anchored = true
			return true
		case syntax.OpEmptyMatch:
			return true
		case syntax.OpLiteral:
			if re.Flags&syntax.FoldCase == 0 {
				b.WriteString(string(re.Rune))
				return true
			}
		case syntax.OpCapture, syntax.OpConcat:
			for _, sub := range re.Sub {
				if !add(sub) {
					return false
				}
			}
			return true
		}
		return false
	}
	add(re)
	if !anchored {
		return ""
	}
	return b.String()
}

func captured(re *regexp.Regexp, match []string) map[string]string {
	all := map[string]string{}
	for i, name := range re.SubexpNames() {
		if i > 0 {
			all[strconv.Itoa(i)] = match[i]
			if name != "" {
				all[name] = match[i]
			}
		}
	}
	return all
}

// variables are those of nginx whose values are known for an example request.
type variables map[string]string

func newVariables(path string) variables {
	return variables{
		"document_uri": path, "uri": path, "request_uri": path + "?a=b", "fastcgi_script_name": path,
		"query_string": "a=b", "args": "a=b", "is_args": "?", "request_method": "GET", "content_type": "", "content_length": "",
		"host": "example.org", "http_host": "example.org", "request": "GET " + path + "?a=b HTTP/1.1", "server_name": "example.org", "server_port": "80",
		"scheme": "http", "https": "", "server_protocol": "HTTP/1.1", "remote_addr": "192.0.2.1", "remote_port": "50000",
		"document_root": "/srv/www", "request_id": "0", "remote_user": "",
	}
}

// assign evaluates the set and if directives of a level and those around it, the outermost first.
func (v variables) assign(level *nginxconf.Directive) {
	if level.Up != nil {
		v.assign(level.Up)
	}
	if level.Name != "server" && level.Name != "location" && level.Name != "if" {
		return
	}
	for _, d := range level.Block {
		switch d.Name {
		case "set":
			v[strings.TrimPrefix(d.Arg(0), "$")], _ = v.expand(d.Arg(1))
		case "if":
			if captures, ok := v.holds(d.Args); ok {
				for name, value := range captures {
					v[name] = value
				}
				for _, inner := range d.Block {
					if inner.Name == "set" {
						v[strings.TrimPrefix(inner.Arg(0), "$")], _ = v.expand(inner.Arg(1))
					}
				}
			}
		}
	}
}

// holds reports whether a condition with a regular expression is true.
func (v variables) holds(args []string) (captures map[string]string, ok bool) {
	if len(args) < 3 {
		return nil, false
	}
	pattern := args[2]
	if len(args) == 3 {
		pattern = strings.TrimSuffix(pattern, ")")
	}
	switch args[1] {
	case "~":
	case "~*":
		pattern = "(?i)" + pattern
	default:
		return nil, false
	}
	value, unsure := v.expand(strings.TrimPrefix(args[0], "("))
	re, err := regexp.Compile(pattern)
	if err != nil || unsure != "" {
		return nil, false
	}
	m := re.FindStringSubmatch(value)
	if m == nil {
		return nil, false
	}
	return captured(re, m), true
}

var variable = regexp.MustCompile(`\$(?:\{(\w+)\}|(\w+))`)

// expand replaces variables by their values, and returns the name of an unknown one.
func (v variables) expand(s string) (value, unsure string) {
	return variable.ReplaceAllStringFunc(s, func(name string) string {
		value, ok := v[strings.Trim(name, "${}")]
		if !ok {
			unsure = name
			return name
		}
		return value
	}), unsure
}
