package units

import (
	"fmt"
	"strings"
)

// static renders the locations of files.
func (o *NginxOptions) static() (text string, err error) {
	dirs := map[string]string{}
	for _, s := range o.Static {
		url := strings.TrimRight(s.URL, "/")
		if err := s.check(o.Mount); err != nil {
			return "", asOption("Static", err)
		}
		if dir, twice := dirs[url]; twice {
			return "", optionError("Static", "%s is given twice, for %s and %s", s.URL, dir, s.Dir)
		}
		dirs[url] = s.Dir
		text += s.location(url)
	}
	return text, nil
}

// check checks the prefix and the directory.
func (s NginxStatic) check(mount string) error {
	if err := CheckMount(s.URL); err != nil {
		return err
	}
	switch url := strings.TrimRight(s.URL, "/"); {
	case url == "" || url == mount:
		return fmt.Errorf("%s=%s: this is the application's own prefix: use a longer one, such as %s/static", s.URL, s.Dir, mount)
	case !strings.HasPrefix(s.Dir, "/"):
		return fmt.Errorf("%s=%s: the path of the directory must be absolute", s.URL, s.Dir)
	case strings.ContainsAny(s.Dir, "$\r\n\x00"):
		return fmt.Errorf("a web server can't use the path %q: it contains a $ or a line break", s.Dir)
	}
	return nil
}

// location renders a location for the files. ^~ gives it precedence over regular expressions, and its
// prefix is longer than the application's.
func (s NginxStatic) location(url string) string {
	dir := strings.TrimRight(s.Dir, "/") + "/"
	if strings.ContainsAny(dir, " \t;{}\"'\\#") {
		dir = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(dir) + `"`
	}
	return fmt.Sprintf("# Files that nginx itself serves; its user must be able to read them.\n"+
		"location ^~ %s/ {\n    alias %s;\n}\n", url, dir)
}
