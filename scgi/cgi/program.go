package cgi

import (
	"io"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/internal/child"
	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// Program is a CGI program that runs for one request.
type Program struct {
	// Log receives its standard error, and is closed at its end; nil: it is discarded.
	Log io.WriteCloser

	process  *child.Process
	limits   Limits
	deadline time.Time // zero: none
	script   *script
	out      int // its standard output; -1: closed
	err      int // its standard error; -1: closed
	rules    headRules
	isHead   bool // the request is a HEAD
}

// Start starts the program for a request with the variables params ([scgi.Request.Params]). The caller
// closes the file of the body. If no program can be started, it returns the problem for the client and the
// log.
//
// With [Config].Root the program is the file below Root that SCRIPT_FILENAME names; without a
// SCRIPT_FILENAME, that of DOCUMENT_ROOT and the path of the URL; if that is not below Root, that of
// PATH_INFO.
func (c *Config) Start(params []scgi.Header, body scgi.Body) (*Program, *outcome.Problem) {
	p, err := c.start(params, body)
	if err != nil {
		return nil, problemOf(err)
	}
	return p, nil
}

func (c *Config) start(params []scgi.Header, body scgi.Body) (*Program, error) {
	v := vars(params)
	s := &script{path: c.Program, name: v.get("SCRIPT_FILENAME"),
		scriptName: v.get("SCRIPT_NAME"), pathInfo: v.get("PATH_INFO")}
	file, dir := s.path, path.Dir(s.path)
	if c.Root != "" {
		var err error
		if s, err = c.find(v); err != nil {
			return nil, err
		}
		pinned, err := s.pin()
		if err != nil {
			return nil, err
		}
		defer unix.Close(pinned)
		file, dir = "./"+path.Base(s.path), fdPath(pinned)
	} else if s.name == "" {
		s.name = c.Program
	}
	p := &Program{
		limits: c.Limits,
		script: s,
		rules: headRules{
			nph:   c.NPH || strings.HasPrefix(path.Base(s.path), "nph-"),
			nginx: strings.HasPrefix(v.get("SERVER_SOFTWARE"), "nginx"),
		},
		isHead: v.get("REQUEST_METHOD") == "HEAD",
	}
	argv := append([]string{s.path}, c.Args...)
	if c.Index {
		argv = append(argv, indexWords(v)...)
	}
	if err := p.run(file, argv, body, &child.Attr{Env: s.build(c.Env, v), Dir: dir, Alone: c.Alone}); err != nil {
		return nil, c.explain(s.path, err)
	}
	if c.Alone {
		child.AdoptOrphans()
	}
	if c.Limits.Timeout > 0 {
		p.deadline = time.Now().Add(c.Limits.Timeout)
	}
	return p, nil
}

// run starts the process. Errors before that are of type [problem].
func (p *Program) run(file string, argv []string, body scgi.Body, attr *child.Attr) error {
	in, done, err := input(body)
	if err != nil {
		return fault(child.NotStarted(err).Kind, "the request body: "+err.Error())
	}
	defer done()
	var out, errs [2]int
	if err := pipe(&out); err != nil {
		return err
	}
	defer unix.Close(out[1])
	if err := pipe(&errs); err != nil {
		unix.Close(out[0])
		return err
	}
	defer unix.Close(errs[1])
	attr.Files = []uintptr{uintptr(in), uintptr(out[1]), uintptr(errs[1])}
	if p.process, err = child.Start(file, argv, attr); err != nil {
		unix.Close(out[0])
		unix.Close(errs[0])
		return err
	}
	p.out, p.err = out[0], errs[0]
	return nil
}

// pipe creates a pipe with a non-blocking read end.
func pipe(fds *[2]int) error {
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return fault(outcome.Busy, "pipe: "+err.Error())
	}
	return unix.SetNonblock(fds[0], true)
}

// input returns a descriptor of a file with the body.
func input(body scgi.Body) (fd int, done func(), err error) {
	switch {
	case body.File != nil:
		return int(body.File.Fd()), func() {}, nil
	case len(body.Data) == 0:
		fd, err = unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	default:
		if fd, err = unix.MemfdCreate("request body", unix.MFD_CLOEXEC); err == nil {
			if _, err = unix.Pwrite(fd, body.Data, 0); err != nil { // all of it, or an error
				unix.Close(fd)
			}
		}
	}
	return fd, func() { unix.Close(fd) }, err
}

// Signal sends a signal to the process group of the program.
func (p *Program) Signal(sig syscall.Signal) { p.process.Signal(sig) }

// Close frees the resources of the program, which must have ended.
func (p *Program) Close() {
	for _, fd := range []int{p.out, p.err} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	p.process.Close()
}
