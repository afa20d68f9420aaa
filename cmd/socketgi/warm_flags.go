package main

import (
	"errors"
	"strconv"
	"time"

	"github.com/spf13/pflag"
)

// warmFlags are what is said of processes that stay (--accept no).
type warmFlags struct {
	workers     int
	maxRequests int
	idleExit    time.Duration
	preload     bool
	reload      bool
	warmPath    string
}

// defaultIdleExit is the adapter's.
const defaultIdleExit = 5 * time.Minute

// notWarm is what they are where nothing is said.
var notWarm = warmFlags{idleExit: defaultIdleExit, preload: true}

func (w *warmFlags) define(f *pflag.FlagSet) {
	*w = notWarm
	f.IntVar(&w.workers, "workers", w.workers, "with --accept no: keep `N` processes with the WSGI application (default: one for each processor)")
	f.IntVar(&w.maxRequests, "max-requests", w.maxRequests, "with --accept no: replace such a process after `N` requests; 0 never does, 1 gives each request a fresh one")
	f.DurationVar(&w.idleExit, "idle-exit", w.idleExit, "with --accept no: exit when nothing was asked for so long; 0 never does")
	f.Var((*yesNo)(&w.preload), "preload", "with --accept no: fork such processes from one that has the application loaded")
	f.BoolVar(&w.reload, "reload", w.reload, "with --accept no: load the application again when a file of it changes")
	f.StringVar(&w.warmPath, "warm-path", w.warmPath, "with --accept no: ask the application for `PATH` when it is loaded, before anybody else does")
}

// args are the flags of the adapter.
func (w *warmFlags) args(warm, python bool) (args []string, err error) {
	ofWSGI := *w
	ofWSGI.idleExit = notWarm.idleExit
	switch {
	case w.workers < 0 || w.maxRequests < 0 || w.idleExit < 0:
		return nil, errors.New("--workers, --max-requests and --idle-exit are not negative")
	case !warm && *w != notWarm:
		return nil, errors.New("--workers, --max-requests, --idle-exit, --preload, --reload and --warm-path are for what stays: say --accept no, too")
	case !python && ofWSGI != notWarm:
		return nil, errors.New("--workers, --max-requests, --preload, --reload and --warm-path are for WSGI applications: a CGI program is started for each request")
	case w.warmPath != "" && w.warmPath[0] != '/':
		return nil, errors.New("--warm-path " + w.warmPath + ": a path begins with a slash")
	}
	if w.idleExit != notWarm.idleExit {
		args = append(args, "--idle-exit", w.idleExit.String())
	}
	if w.workers != 0 {
		args = append(args, "--workers", strconv.Itoa(w.workers))
	}
	if w.maxRequests != 0 {
		args = append(args, "--max-requests", strconv.Itoa(w.maxRequests))
	}
	if !w.preload {
		args = append(args, "--preload", "no")
	}
	if w.reload {
		args = append(args, "--reload")
	}
	if w.warmPath != "" {
		args = append(args, "--warm-path", w.warmPath)
	}
	return args, nil
}

// yesNo is a flag with the words of systemd for a boolean.
type yesNo bool

func (y *yesNo) String() string {
	if *y {
		return "yes"
	}
	return "no"
}

func (y *yesNo) Set(s string) error {
	if s != "yes" && s != "no" {
		return errors.New("yes or no")
	}
	*y = s == "yes"
	return nil
}

func (y *yesNo) Type() string { return "yes|no" }
