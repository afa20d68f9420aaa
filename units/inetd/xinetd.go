package inetd

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// section is "defaults" or "service NAME" of xinetd.conf(5).
type section struct {
	line       int
	name       string // "" for the defaults
	attributes map[string][]string
	order      []string // of the section's own attributes
	notes      []string
	err        error
}

// isXinetd distinguishes xinetd.conf(5) from inetd.conf(5), where every line has six words.
func isXinetd(text string) bool {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) > 0 && words[0][0] != '#' {
			return len(words) <= 3 && slices.Contains([]string{"service", "defaults", "defaults{", "include", "includedir"}, words[0])
		}
	}
	return false
}

// xinetdLists are the attributes with += and -=. In the defaults, = adds, too.
var xinetdLists = []string{"only_from", "no_access", "log_on_success", "log_on_failure", "passenv", "env", "log_type", "disabled", "enabled"}

// xinetdAttributes maps each attribute to the directive of a service with the same value (KEY=), or to
// the reason why there is none; "" is for attributes with their own code.
var xinetdAttributes = map[string]string{
	"id": "", "type": "", "flags": "", "disable": "", "disabled": "", "enabled": "", "socket_type": "", "protocol": "", "wait": "",
	"user": "", "server": "", "server_args": "", "only_from": "", "no_access": "", "instances": "", "per_source": "", "cps": "",
	"bind": "", "port": "", "v6only": "", "env": "", "passenv": "", "redirect": "", "rpc_version": "", "rpc_number": "",
	"nice": "Nice=", "umask": "UMask=", "group": "Group=",
	"rlimit_as": "LimitAS=", "rlimit_files": "LimitNOFILE=", "rlimit_cpu": "LimitCPU=",
	"rlimit_data": "LimitDATA=", "rlimit_rss": "LimitRSS=", "rlimit_stack": "LimitSTACK=",
	"groups":         "a service of systemd always has all groups of its user",
	"access_times":   "systemd's sockets have no access times: start and stop them by timers",
	"banner":         "systemd sends no banner",
	"banner_success": "systemd sends no banner",
	"banner_fail":    "systemd sends no banner",
	"max_load":       "systemd has no limit by load",
	"deny_time":      "systemd doesn't block addresses",
	"mdns":           "systemd doesn't announce services",
	"libwrap":        "hosts.allow and hosts.deny have no effect",
	"log_type":       "systemd logs to the journal",
	"log_on_success": "systemd logs starts and ends to the journal",
	"log_on_failure": "systemd logs refused connections to the journal",
}

// xinetd reads xinetd.conf(5).
func (im *Importer) xinetd(text string) ([]*entry, []Note) {
	r := xinetdReader{im: im}
	number := 0
	for line := range strings.Lines(text) {
		number++
		if words := strings.Fields(line); len(words) > 0 && words[0][0] != '#' {
			r.read(number, strings.TrimSpace(line), words)
		}
	}
	if r.section != nil {
		r.section.err = errors.New("missing }")
		r.finish()
	}
	return r.entries, r.notes
}

type xinetdReader struct {
	im      *Importer
	section *section // nil between sections
	braced  bool     // its { was read
	entries []*entry
	notes   []Note
}

// read reads a line.
func (r *xinetdReader) read(number int, line string, words []string) {
	first := strings.TrimSuffix(words[0], "{")
	switch s := r.section; {
	case s == nil && (first == "service" && len(words) > 1 || first == "defaults"):
		r.begin(number, words)
	case s == nil && strings.HasPrefix(first, "include"):
		r.notes = append(r.notes, Note{Line: number, Text: "not followed, import those files, too: " + line})
	case s == nil:
		r.notes = append(r.notes, Note{Line: number, Text: "outside of a service: " + line, Failed: true})
	case !r.braced && words[0] == "{":
		r.braced = true
	case words[0] == "}":
		r.finish()
	default:
		s.add(line)
	}
}

// begin begins a section.
func (r *xinetdReader) begin(number int, words []string) {
	s := &section{line: number, attributes: map[string][]string{}}
	r.section, r.braced = s, strings.HasSuffix(words[len(words)-1], "{")
	if strings.TrimSuffix(words[0], "{") == "defaults" {
		r.im.defaults = s
		return
	}
	if r.im.defaults == nil {
		r.im.defaults = &section{}
		r.notes = append(r.notes, Note{Text: "no defaults section: name xinetd.conf first"})
	}
	s.name = strings.TrimSuffix(words[1], "{")
	for _, key := range xinetdLists {
		if values, found := r.im.defaults.attributes[key]; found {
			s.attributes[key] = slices.Clone(values)
		}
	}
}

// finish makes an entry of a section, or notes of the defaults.
func (r *xinetdReader) finish() {
	s := r.section
	r.section = nil
	if s.describe(); s.name != "" {
		e := &entry{line: s.line, label: s.name, was: "xinetd's service " + s.name, notes: s.notes, err: s.err}
		r.entries = append(r.entries, e)
		if e.err == nil {
			e.err = r.im.xinetdService(e, s)
		}
		return
	}
	for _, n := range s.notes {
		r.notes = append(r.notes, Note{Line: s.line, Text: "defaults: " + n})
	}
	if s.err != nil {
		r.notes = append(r.notes, Note{Line: s.line, Text: "defaults: " + s.err.Error(), Failed: true})
	}
}

var attributeLine = regexp.MustCompile(`^([A-Za-z0-9_]+)\s*([+-]?=)\s*(.*)$`)

// add adds a line KEY OPERATOR VALUE...
func (s *section) add(line string) {
	m := attributeLine.FindStringSubmatch(line)
	if m == nil {
		s.err = fmt.Errorf("%q is not KEY = VALUE", line)
		return
	}
	key, operator, values := m[1], m[2], strings.Fields(m[3])
	if key == "interface" {
		key = "bind"
	}
	old, list := s.attributes[key], slices.Contains(xinetdLists, key)
	switch {
	case !list && operator != "=":
		s.err = fmt.Errorf("%s has no %s", key, operator)
		return
	case !list && slices.Contains(s.order, key):
		s.notes = append(s.notes, key+" is given twice: the first one is used, as by xinetd")
		return
	case operator == "-=":
		values = slices.DeleteFunc(old, func(v string) bool { return slices.Contains(values, v) })
	case operator == "+=" || s.name == "":
		values = append(old, values...)
	}
	s.attributes[key] = values
	if !slices.Contains(s.order, key) {
		s.order = append(s.order, key)
	}
}

// describe notes the attributes that the units can't express.
func (s *section) describe() {
	for _, key := range s.order {
		value := strings.Join(s.attributes[key], " ")
		switch why, known := xinetdAttributes[key]; {
		case !known:
			s.notes = append(s.notes, fmt.Sprintf("%s = %s: xinetd.conf(5) has no such attribute", key, value))
		case why != "" && !strings.HasSuffix(why, "=") && !(key == "groups" && value == "yes"):
			s.notes = append(s.notes, fmt.Sprintf("%s = %s: %s", key, value, why))
		}
	}
}
