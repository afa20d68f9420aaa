// Package lighttpd asks the lighttpd of this machine for its configuration.
package lighttpd

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
)

// File is the configuration of the service that distributions have.
const File = "/etc/lighttpd/lighttpd.conf"

// Program returns the path of lighttpd, "" where it is not installed.
func Program() string {
	for _, name := range []string{"lighttpd", "/usr/sbin/lighttpd"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// Config asks lighttpd for its configuration: conditions are directives with a block, and so are lists,
// of entries that have the key as their name. What lighttpd prints has no files and lines. An error has
// its own words about a configuration that it refuses.
func Config(ctx context.Context, program string) ([]*nginxconf.Directive, error) {
	var stdout, stderr strings.Builder
	cmd := exec.CommandContext(ctx, program, "-p", "-f", File)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return parse(stdout.String())
}

var token = regexp.MustCompile(`#[^\n]*|"(?:[^"\\]|\\.)*"|\$\w+\["[^"]*"\]|=>|=~|!~|==|!=|=\^|=\$|[(){},=]|[^\s(){},="#]+`)

type parser struct{ tokens []string }

// parse reads what lighttpd -p prints.
func parse(dump string) ([]*nginxconf.Directive, error) {
	p := &parser{}
	for _, one := range token.FindAllString(dump, -1) {
		if one[0] != '#' {
			p.tokens = append(p.tokens, one)
		}
	}
	top, err := p.statements(nil, 0)
	if err == nil && len(p.tokens) > 0 {
		err = fmt.Errorf("%q begins nothing", p.tokens[0])
	}
	if err == nil && len(top) == 1 && top[0].Name == "config" {
		top = top[0].Block
		for _, d := range top {
			d.Up = nil
		}
	}
	return top, err
}

// deepest bounds how deep conditions and lists nest.
const deepest = 100

var errUnfinished = errors.New("the configuration ends in the middle")

func (p *parser) next() string {
	if len(p.tokens) == 0 {
		return ""
	}
	first := p.tokens[0]
	p.tokens = p.tokens[1:]
	return first
}

func (p *parser) peek(s string) bool { return len(p.tokens) > 0 && p.tokens[0] == s }

// statements reads to the end of a block.
func (p *parser) statements(up *nginxconf.Directive, depth int) (list []*nginxconf.Directive, err error) {
	for len(p.tokens) > 0 && !p.peek("}") {
		name := p.next()
		if (name == "if" || name == "else" || name == "elif") && !p.peek("{") {
			continue // in front of a condition
		}
		d := &nginxconf.Directive{Name: name, Up: up}
		if p.peek("=") {
			p.next()
			err = p.value(d, depth)
		} else {
			for len(p.tokens) > 0 && !p.peek("{") {
				d.Args = append(d.Args, unquote(p.next()))
			}
			err = p.block(d, depth)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

func (p *parser) block(d *nginxconf.Directive, depth int) (err error) {
	if p.next() != "{" || depth == deepest {
		return errUnfinished
	}
	if d.Block, err = p.statements(d, depth+1); err == nil && p.next() != "}" {
		err = errUnfinished
	}
	return err
}

// value reads a text, a number or a list into d.
func (p *parser) value(d *nginxconf.Directive, depth int) error {
	first := p.next()
	if first == "" || depth == deepest {
		return errUnfinished
	}
	if first != "(" {
		d.Args = []string{unquote(first)}
		return nil
	}
	for !p.peek(")") {
		entry := &nginxconf.Directive{Up: d}
		if len(p.tokens) > 1 && p.tokens[1] == "=>" {
			entry.Name = unquote(p.next())
			p.next()
		}
		if err := p.value(entry, depth+1); err != nil {
			return err
		}
		d.Block = append(d.Block, entry)
		if p.peek(",") {
			p.next()
		}
	}
	p.next()
	return nil
}

func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' {
		return s
	}
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(s[1 : len(s)-1])
}
