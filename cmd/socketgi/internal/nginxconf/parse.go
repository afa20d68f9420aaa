// Package nginxconf parses the output of "nginx -T": the configuration of nginx with all included files. It
// resolves nesting and inheritance, without the meaning of directives.
package nginxconf

import (
	"errors"
	"fmt"
	"path"
	"sort"
	"strings"
)

// Directive is a directive, with its block if it has one.
type Directive struct {
	Name  string
	Args  []string
	Block []*Directive
	// Up is the directive around it, nil at the top.
	Up *Directive

	File string
	Line int
}

// Arg returns the nth argument, "" if it is missing.
func (d *Directive) Arg(n int) string {
	if n < len(d.Args) {
		return d.Args[n]
	}
	return ""
}

// Place returns its file and line.
func (d *Directive) Place() string { return fmt.Sprintf("%s:%d", d.File, d.Line) }

// marker heads each file in a dump.
const marker = "# configuration file "

// most is the maximum number of directives: includes can repeat files.
const most = 1 << 20

// Parse parses a dump. It replaces each include by the contents of the included files.
func Parse(dump string) ([]*Directive, error) {
	files, first := split(dump)
	if first == "" {
		return nil, errors.New("nginx -T prints no configuration")
	}
	p := parser{files: files, dir: path.Dir(first), open: map[string]bool{}}
	top, err := p.file(first, nil)
	if err != nil {
		return nil, err
	}
	return top, nil
}

// split splits a dump into files, by name, and returns the name of the main one.
func split(dump string) (files map[string]string, first string) {
	files = map[string]string{}
	name, start := "", 0
	for pos := 0; pos < len(dump); {
		end := strings.IndexByte(dump[pos:], '\n')
		if end < 0 {
			end = len(dump) - pos
		}
		if found, ok := strings.CutPrefix(dump[pos:pos+end], marker); ok && strings.HasSuffix(found, ":") {
			if name != "" {
				files[name] = dump[start:pos]
			}
			name, start = strings.TrimSuffix(found, ":"), min(pos+end+1, len(dump))
			if first == "" {
				first = name
			}
		}
		pos += end + 1
	}
	if name != "" {
		files[name] = dump[start:]
	}
	return files, first
}

type parser struct {
	files map[string]string
	dir   string // the directory of relative names in include
	open  map[string]bool
	count int
}

// file parses a file into the block of up.
func (p *parser) file(name string, up *Directive) (list []*Directive, err error) {
	if p.open[name] {
		return nil, fmt.Errorf("%s includes itself", name)
	}
	p.open[name] = true
	defer delete(p.open, name)
	s := &scanner{text: p.files[name], line: 1}
	// Open blocks are in a list instead of on the stack: the file determines their depth.
	lists := [][]*Directive{nil}
	for {
		words, end, line, err := s.words()
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, s.line, err)
		}
		if p.count++; p.count > most {
			return nil, errors.New("the configuration has too many directives")
		}
		in := len(lists) - 1
		switch {
		case end == endOfFile:
			if in > 0 {
				return nil, fmt.Errorf("%s:%d: a block is not closed", name, up.Line)
			}
			return lists[0], nil
		case end == blockEnd:
			if in == 0 {
				return nil, fmt.Errorf("%s:%d: } closes nothing", name, s.line)
			}
			up.Block = lists[in]
			lists, up = lists[:in], up.Up
			continue
		case len(words) == 0:
			return nil, fmt.Errorf("%s:%d: %q follows no directive", name, s.line, end)
		}
		d := &Directive{Name: words[0], Args: words[1:], Up: up, File: name, Line: line}
		if d.Name == "include" && end == semicolon {
			included, err := p.include(d.Arg(0), up)
			if err != nil {
				return nil, err
			}
			lists[in] = append(lists[in], included...)
			continue
		}
		lists[in] = append(lists[in], d)
		if end == blockBegin {
			if strings.HasSuffix(d.Name, "_by_lua_block") {
				if err := s.raw(); err != nil {
					return nil, fmt.Errorf("%s:%d: %w", name, line, err)
				}
				continue
			}
			lists, up = append(lists, nil), d
		}
	}
}

// include parses the files that match a pattern, sorted as by glob(3).
func (p *parser) include(pattern string, up *Directive) (list []*Directive, err error) {
	if !path.IsAbs(pattern) {
		pattern = path.Join(p.dir, pattern)
	}
	var names []string
	if _, ok := p.files[pattern]; ok {
		names = []string{pattern}
	} else {
		for name := range p.files {
			if ok, _ := path.Match(pattern, name); ok {
				names = append(names, name)
			}
		}
		sort.Strings(names)
	}
	for _, name := range names {
		more, err := p.file(name, up)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}
