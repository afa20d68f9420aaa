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
			return "", optionError("Static", "%s is given twice, for %s and %s: one URL has one folder", s.URL, dir, s.Dir)
		}
		dirs[url] = s.Dir
		text += s.location(url)
	}
	return text, nil
}

// check tells why a web server can't serve the files beside the application.
func (s NginxStatic) check(mount string) error {
	if err := CheckMount(s.URL); err != nil {
		return err
	}
	switch url := strings.TrimRight(s.URL, "/"); {
	case url == "" || url == mount:
		return fmt.Errorf("%s=%s: all of the application's paths begin so: name a longer one, like %s/static", s.URL, s.Dir, mount)
	case !strings.HasPrefix(s.Dir, "/"):
		return fmt.Errorf("%s=%s: the path of the folder begins with a slash", s.URL, s.Dir)
	case strings.ContainsAny(s.Dir, "$\r\n\x00"):
		return fmt.Errorf("a web server can't be told of %q: a $ in it would be a variable, and a line break is none of a path", s.Dir)
	}
	return nil
}

// location renders a location for the files. No other location takes them away: ^~ leaves no
// regular expression a say, and the prefix is longer than the application's.
func (s NginxStatic) location(url string) string {
	dir := strings.TrimRight(s.Dir, "/") + "/"
	if strings.ContainsAny(dir, " \t;{}\"'\\#") {
		dir = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(dir) + `"`
	}
	return fmt.Sprintf("# Files that nginx serves by itself; its user must be able to read them.\n"+
		"location ^~ %s/ {\n    alias %s;\n}\n", url, dir)
}
