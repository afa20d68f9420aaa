package cgi

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Config configures the programs that answer requests.
type Config struct {
	// Program is the absolute path of the only program, "" with Root.
	Program string
	// Args are its arguments.
	Args []string
	// Root is the absolute path of a directory. The request names a program below
	// it: see [Config.Start].
	Root string
	// Targets are absolute paths of directories outside of Root into which a symbolic
	// link below Root may lead.
	Targets []string
	// TargetHint returns what an operator can do about a symbolic link into another directory. It is
	// appended to the message in the log. Default: nothing.
	TargetHint func(dir string) string
	// Env is the environment of the unit, each NAME=VALUE. A program gets it without the
	// names that a request defines (RFC 3875, 4.1), which have the request's values.
	Env []string
	// NPH: every program sends a whole HTTP response (RFC 3875, 5), and not only those
	// whose name begins with "nph-".
	NPH bool
	// Index hands the words of a query without "=" over as arguments (RFC 3875,
	// 4.4: the search string of an ISINDEX document).
	Index bool
	// Alone declares that this process has no other children. Processes that a program leaves
	// behind are then killed, even in another session. For that, [Config.Start] makes this process
	// the parent of orphaned descendants (PR_SET_CHILD_SUBREAPER in prctl(2)).
	Alone bool
	// Limits are the limits of each program.
	Limits Limits
}

// Limits are the limits of one program. A zero value is the default.
type Limits struct {
	// Timeout limits the time from the start of the program to its end, and to the end of the
	// response. Default: no limit.
	Timeout time.Duration
	// IdleTimeout limits the time in which the program sends nothing. Default: no limit.
	IdleTimeout time.Duration
	// SendTimeout limits the time in which the web server reads nothing of the response. Default:
	// no limit.
	SendTimeout time.Duration
	// Grace limits the time that a response continues after its program has ended, because another
	// process has the program's standard output open. Default: 250 ms.
	Grace time.Duration
	// HeadBytes is the size in bytes of the largest head of a response. Default: 32 KiB, the size
	// of scgi_buffer_size in the nginx snippet.
	HeadBytes int
}

// The defaults of [Limits].
const (
	DefaultGrace     = 250 * time.Millisecond
	DefaultHeadBytes = 32 << 10
)

func (l Limits) headBytes() int {
	if l.HeadBytes > 0 {
		return l.HeadBytes
	}
	return DefaultHeadBytes
}

func (l Limits) grace() time.Duration {
	if l.Grace > 0 {
		return l.Grace
	}
	return DefaultGrace
}

// Resolve makes the paths absolute, and checks that directories exist. A Program without a slash is
// searched in PATH.
func (c *Config) Resolve() (err error) {
	if c.Root != "" {
		if c.Program != "" {
			return errors.New("Program and Root exclude each other")
		}
		if c.Root, err = filepath.Abs(c.Root); err != nil {
			return err
		}
		if err := isDir(c.Root); err != nil {
			return err
		}
		for i := range c.Targets {
			if c.Targets[i], err = filepath.Abs(c.Targets[i]); err != nil {
				return err
			}
			if err := isDir(c.Targets[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if strings.ContainsRune(c.Program, '/') {
		c.Program, err = filepath.Abs(c.Program)
		return err
	}
	for dir := range strings.SplitSeq(os.Getenv("PATH"), ":") {
		path := filepath.Join(dir, c.Program)
		if info, err := os.Stat(path); err == nil && filepath.IsAbs(path) && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			c.Program = path
			return nil
		}
	}
	return fmt.Errorf("no program %s in PATH (%s): give its path", c.Program, os.Getenv("PATH"))
}

func isDir(name string) error {
	info, err := os.Stat(name)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a directory", name)
	}
	return err
}
