// Package nginxconf reads what "nginx -T" prints: the configuration of nginx with all
// the files that it includes. It knows how directives nest and what is inherited, and
// nothing of what they mean.
package nginxconf

import (
	"errors"
	"fmt"
	"path"
	"sort"
	"strings"
)

// Directive is one directive, with the block behind it if it has one.
type Directive struct {
	Name  string
	Args  []string
	Block []*Directive
	// Up is the directive in whose block it stands, nil at the top.
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

// most bounds how many directives a configuration becomes, include by include.
const most = 1 << 20

// Parse reads a dump. Each include is replaced by what the files hold that it names.
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
	dir   string // what names of included files are relative to
	open  map[string]bool
	count int
}

// file reads a file into the block of up.
func (p *parser) file(name string, up *Directive) (list []*Directive, err error) {
	if p.open[name] {
		return nil, fmt.Errorf("%s includes itself", name)
	}
	p.open[name] = true
	defer delete(p.open, name)
	s := &scanner{text: p.files[name], line: 1}
	// Blocks are kept on a list of our own: how deep they nest is up to the file.
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

// include reads the files that a pattern names, sorted as glob(3) does.
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
