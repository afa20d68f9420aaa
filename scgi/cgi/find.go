package cgi

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/socketgi/socketgi/scgi/internal/child"
	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// script is the program that a request names.
type script struct {
	path string // the path to execute
	name string // SCRIPT_FILENAME: the requested path
	stat unix.Stat_t
	// The URL, split after the name of the program, by the web server or by find.
	scriptName, pathInfo string
}

// problem is an error with a kind, which determines the client's status.
type problem struct{ outcome.Problem }

func (p *problem) Error() string { return p.Text }

func fault(kind outcome.Kind, text string) error {
	return &problem{outcome.Problem{Kind: kind, Text: text}}
}

// problemOf converts an error of this package.
func problemOf(err error) *outcome.Problem {
	var p *problem
	if errors.As(err, &p) {
		return &outcome.Problem{Kind: p.Kind, Text: printable(p.Text)}
	}
	if child.Exhausted(err) {
		return &outcome.Problem{Kind: outcome.Busy, Text: printable(err.Error())}
	}
	return &outcome.Problem{Kind: outcome.Failed, Text: printable(err.Error())}
}

// printable makes a text one line of printable characters: it may contain a path that a client has
// chosen.
func printable(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r == utf8.RuneError || !strconv.IsPrint(r) }) < 0 {
		return s
	}
	q := strconv.Quote(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

// find finds the program below Root that the request names: by SCRIPT_FILENAME, by DOCUMENT_ROOT and
// the path of the URL, or by that path alone. Without a SCRIPT_FILENAME, the program is the first file in
// the path, and the rest is PATH_INFO.
func (c *Config) find(v vars) (*script, error) {
	s := &script{scriptName: v.get("SCRIPT_NAME"), pathInfo: v.get("PATH_INFO")}
	url := s.scriptName + s.pathInfo
	if file := v.get("SCRIPT_FILENAME"); file != "" {
		rel, ok := below(c.Root, file)
		if !ok {
			return nil, fault(outcome.NotFound, "the web server sends SCRIPT_FILENAME="+strconv.Quote(file)+
				", which is not below "+c.Root)
		}
		return s, c.named(s, rel, url, v.get("DOCUMENT_URI"))
	}
	rel, ok := below(c.Root, v.get("DOCUMENT_ROOT")+url)
	if !ok {
		rel = strings.TrimLeft(s.pathInfo, "/")
	}
	return s, c.first(s, rel, url)
}

// below returns the part of a path below root.
func below(root, file string) (rel string, ok bool) {
	rel, ok = strings.CutPrefix(file, strings.TrimRight(root, "/"))
	return strings.TrimLeft(rel, "/"), ok && strings.HasPrefix(rel, "/")
}

// named takes exactly the file rel.
func (c *Config) named(s *script, rel, url, uri string) error {
	kind, err := c.look(s, rel)
	if err == nil && kind == unix.S_IFDIR {
		err = fault(outcome.Forbidden, s.name+" is a directory, not a program")
	}
	// SCRIPT_NAME ends with the program's name, unless the web server maps the URL to another name.
	// Some web servers don't send it, or send all of the URL as PATH_INFO.
	if base := "/" + path.Base(rel); err == nil && !strings.HasSuffix(s.scriptName, base) {
		if i := strings.Index(url+"/", base+"/"); i >= 0 {
			s.scriptName, s.pathInfo = url[:i+len(base)], url[i+len(base):]
		} else {
			s.split(uri, base)
		}
	}
	return err
}

// split finds the SCRIPT_NAME in the path of the URL for a request with a PATH_INFO only. An empty
// PATH_INFO became "/" there, because there is no SCRIPT_NAME.
func (s *script) split(uri, base string) {
	if name, ok := strings.CutSuffix(uri, s.pathInfo); ok && strings.HasSuffix(name, base) {
		s.scriptName = name
	} else if s.pathInfo == "/" && strings.HasSuffix(uri, base) {
		s.scriptName, s.pathInfo = uri, ""
	}
}

// first takes the first file on the way to rel.
func (c *Config) first(s *script, rel, url string) error {
	for start := 0; start <= len(rel); {
		end := len(rel)
		if i := strings.IndexByte(rel[start:], '/'); i >= 0 {
			end = start + i
		}
		// A path may consist of a thousand slashes. Empty segments are skipped: opening the path
		// for each would take time that grows with their square.
		if segment := rel[start:end]; segment != "" && segment != "." {
			kind, err := c.look(s, rel[:end])
			if err != nil {
				return err
			}
			if kind != unix.S_IFDIR {
				s.pathInfo = rel[end:]
				s.scriptName = strings.TrimSuffix(url, s.pathInfo)
				return nil
			}
		}
		start = end + 1
	}
	return fault(outcome.Forbidden, path.Join(c.Root, rel)+" is a directory, not a program")
}

// look opens rel below Root, and returns its type. With all symbolic links followed, it must be below
// Root or one of Targets; the program is executed by that path. openat2(2) would check this in one
// call, but RestrictSUIDSGID=, which DynamicUser= implies, forbids it.
func (c *Config) look(s *script, rel string) (kind uint32, err error) {
	s.name = path.Join(c.Root, rel)
	for segment := range strings.SplitSeq(rel, "/") {
		if segment == ".." {
			return 0, fault(outcome.NotFound, strconv.Quote(rel)+" leads out of the root by ..")
		}
	}
	root, err := unix.Open(c.Root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, &os.PathError{Op: "open", Path: c.Root, Err: err}
	}
	defer unix.Close(root)
	fd, err := unix.Openat(root, path.Clean("./"+rel), unix.O_PATH|unix.O_CLOEXEC, 0)
	switch err {
	case nil:
	case unix.ENOENT, unix.ENOTDIR, unix.ENAMETOOLONG:
		return 0, fault(outcome.NotFound, s.name+" does not exist")
	case unix.ELOOP:
		return 0, fault(outcome.Forbidden, s.name+": too many symbolic links")
	case unix.EACCES:
		return 0, fault(outcome.Forbidden, s.name+": this user may not enter a directory of its path")
	default:
		return 0, &os.PathError{Op: "open", Path: s.name, Err: err}
	}
	defer unix.Close(fd)
	// Where they are, with all links followed.
	rootPath, err := pathOf(root)
	if err != nil {
		return 0, err
	}
	if s.path, err = pathOf(fd); err != nil {
		return 0, err
	}
	if err := unix.Fstat(fd, &s.stat); err != nil {
		return 0, &os.PathError{Op: "stat", Path: s.name, Err: err}
	}
	kind = s.stat.Mode & unix.S_IFMT
	if !within(rootPath, s.path) && !c.allowed(s.path) {
		dir := s.path
		if kind != unix.S_IFDIR {
			dir = path.Dir(dir)
		}
		text := s.name + " leads out of " + c.Root + " by a symbolic link, to " + s.path
		if c.TargetHint != nil {
			text += "; " + c.TargetHint(dir)
		}
		return 0, fault(outcome.Forbidden, text)
	}
	switch {
	case kind == unix.S_IFDIR:
	case kind != unix.S_IFREG:
		return 0, fault(outcome.Forbidden, s.name+" is not a regular file")
	case s.stat.Mode&0o111 == 0:
		return 0, fault(outcome.Forbidden, s.name+" is not executable: chmod +x "+s.name)
	}
	return kind, nil
}

// within returns whether a path is root or below it.
func within(root, file string) bool {
	_, ok := below(root, file)
	return ok || file == root
}

// allowed returns whether a path without symbolic links is below one of the targets, whose links are
// followed.
func (c *Config) allowed(file string) bool {
	for _, target := range c.Targets {
		if real, err := filepath.EvalSymlinks(target); err == nil && within(real, file) {
			return true
		}
	}
	return false
}

// pin opens the directory of a program that look has found. Executed from there, it is the same program
// even if a directory of its path is replaced by a symbolic link. Users that can write to the directory
// itself can replace the program in any case.
func (s *script) pin() (dir int, err error) {
	dir, err = unix.Open(path.Dir(s.path), unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err == nil {
		var where string
		var now unix.Stat_t
		if where, err = pathOf(dir); err == nil {
			err = unix.Fstatat(dir, path.Base(s.path), &now, unix.AT_SYMLINK_NOFOLLOW)
		}
		if err == nil && where == path.Dir(s.path) && now.Dev == s.stat.Dev && now.Ino == s.stat.Ino {
			return dir, nil
		}
		unix.Close(dir)
	}
	if child.Exhausted(err) {
		return -1, &os.PathError{Op: "open", Path: s.path, Err: err}
	}
	return -1, fault(outcome.Forbidden, s.name+" was changed during the lookup")
}

func pathOf(fd int) (string, error) { return os.Readlink(fdPath(fd)) }

func fdPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }
