package cgi

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Config says which program runs for a request, and how.
type Config struct {
	// Program is the absolute path of the one program, "" where Root is given.
	Program string
	// Args are its arguments.
	Args []string
	// Root is the absolute path of a directory. The request names a program below
	// it: see [Config.Start].
	Root string
	// Targets are absolute paths of directories outside of Root into which a symbolic
	// link below Root may lead.
	Targets []string
	// TargetHint is what an operator does about a link that leads into another directory: it follows
	// that in the log. Default: nothing.
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
	// Alone: this process has no other children, and will have none meanwhile. What a program
	// leaves behind is then found and killed, even in a session of its own; for that [Config.Start]
	// makes this process the parent of orphaned descendants (PR_SET_CHILD_SUBREAPER in prctl(2)).
	Alone bool
	// Limits bound what a program may do.
	Limits Limits
}

// Limits bound what one program may do. A zero value means the default.
type Limits struct {
	// Timeout is the time from the start of the program to the end of the response,
	// and of the program. Default: none.
	Timeout time.Duration
	// IdleTimeout is how long the program may send nothing. Default: none.
	IdleTimeout time.Duration
	// SendTimeout is how long the web server may take nothing of the response. Default: no limit.
	SendTimeout time.Duration
	// Grace is how long a response may go on after its program has ended, because
	// another process still has its standard output. Default 250 ms.
	Grace time.Duration
	// HeadBytes is the largest head of a response, in bytes. Default 32 KiB, which the nginx
	// snippet has room for (scgi_buffer_size).
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

// Resolve makes the paths of a command line absolute and checks what can be
// checked before a request comes. A program without a slash is looked for in PATH.
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
