// Package apache asks the Apache HTTP Server of this machine for its configuration.
package apache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
)

// Program returns the path of apachectl, "" where Apache is not installed.
func Program() string {
	for _, name := range []string{"apachectl", "/usr/sbin/apachectl"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// infoModules are where mod_info is, which prints the configuration as Apache has read it: with
// all files, and without what its conditions leave out.
var infoModules = []string{"/usr/lib/apache2/modules/mod_info.so", "/etc/httpd/modules/mod_info.so", "/usr/lib/httpd/modules/mod_info.so"}

// Config returns Apache's configuration, and the names of its modules. An error has Apache's own
// words about a configuration that it refuses.
func Config(ctx context.Context, program string) (conf []*nginxconf.Directive, modules []string, err error) {
	info := ""
	for _, file := range infoModules {
		if _, err := os.Stat(file); err == nil {
			info = file
			break
		}
	}
	if info == "" {
		return nil, nil, errors.New("mod_info is not installed, which prints Apache's configuration")
	}
	dump, err := output(ctx, program, "-t", "-C", "LoadModule info_module "+info, "-D", "DUMP_CONFIG")
	if err != nil {
		return nil, nil, err
	}
	list, err := output(ctx, program, "-t", "-D", "DUMP_MODULES")
	if err != nil {
		return nil, nil, err
	}
	for line := range strings.Lines(list) {
		if name, _, ok := strings.Cut(strings.TrimSpace(line), " ("); ok {
			modules = append(modules, name)
		}
	}
	conf, err = parse(dump)
	return conf, modules, err
}

func output(ctx context.Context, program string, args ...string) (string, error) {
	var stdout, stderr strings.Builder
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

var place = regexp.MustCompile(`^# +(\d+): ?$`)

// parse reads what mod_info prints. A section is a directive with a block.
func parse(dump string) (top []*nginxconf.Directive, err error) {
	file, line := "", 0
	var up *nginxconf.Directive
	for text := range strings.Lines(dump) {
		text = strings.TrimSpace(text)
		if name, ok := strings.CutPrefix(text, "# In file: "); ok {
			file = name
			continue
		}
		if m := place.FindStringSubmatch(text); m != nil {
			line, _ = strconv.Atoi(m[1])
			continue
		}
		inner, section := strings.CutPrefix(strings.TrimSuffix(text, ">"), "<")
		switch {
		case text == "" || text[0] == '#':
		case strings.HasPrefix(text, "</"):
			if up == nil {
				return nil, fmt.Errorf("%s:%d: %s ends nothing", file, line, text)
			}
			up = up.Up
		default:
			if !section {
				inner = text
			}
			all := words(inner)
			if len(all) == 0 {
				continue
			}
			d := &nginxconf.Directive{Name: all[0], Args: all[1:], Up: up, File: file, Line: line}
			if up == nil {
				top = append(top, d)
			} else {
				up.Block = append(up.Block, d)
			}
			if section {
				up = d
			}
		}
	}
	return top, nil
}

// words splits a line: words may be quoted, and a backslash in them escapes a quote or another
// backslash.
func words(s string) (all []string) {
	for {
		s = strings.TrimLeft(s, " \t")
		if s == "" {
			return all
		}
		quote := s[0]
		if quote != '"' && quote != '\'' {
			end := strings.IndexAny(s, " \t")
			if end < 0 {
				end = len(s)
			}
			all, s = append(all, s[:end]), s[end:]
			continue
		}
		var b strings.Builder
		i := 1
		for ; i < len(s) && s[i] != quote; i++ {
			if s[i] == '\\' && i+1 < len(s) && (s[i+1] == quote || s[i+1] == '\\') {
				i++
			}
			b.WriteByte(s[i])
		}
		all, s = append(all, b.String()), s[min(i+1, len(s)):]
	}
}
