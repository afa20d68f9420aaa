package wsgi

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"

	"github.com/socketgi/socketgi/scgi/internal/child"
	"golang.org/x/sys/unix"
)

// Config says how a worker is started.
type Config struct {
	// App is what it loads.
	App App
	// Python is the interpreter: CPython 3.8 or later, or PyPy 3.
	Python string
	// Passed are the environments that aren't used ([Python.Passed]): it is worth to name them
	// where a module is missing.
	Passed []string
	// CacheDir is a directory where the worker keeps what it needs to start
	// faster next time, or "". It must belong to the worker's user or to root:
	// code is loaded from it.
	CacheDir string
	// Env is the whole environment of the worker.
	Env []string
	// Stderr is the descriptor of the log. The worker's standard output goes
	// there, too: what an application prints is never part of a response.
	Stderr int
	// Alone says that this process has no other children ([child.Attr]).
	Alone bool
	// Stay is for workers that serve more than one job.
	Stay *Stay
}

// Stay says how workers are that serve more than one job.
type Stay struct {
	// Board is where they say what they do.
	Board *Board
	// Weigh is from how many bytes resident on a worker says after each job how many those
	// are ([child.Result].Resident); 0: never.
	Weigh int64
	// Meter has a worker say what each job took ([child.Result].CPU and Growth).
	Meter bool
	// Files has them tell the files that modules were loaded from ([Warm.Files],
	// [Parent.Files]).
	Files bool
	// Fresh says that each worker gets one job only.
	Fresh bool
	// WarmPath, with its query, is asked for with GET when the application is loaded, by
	// each process that loads it; "": nothing is.
	WarmPath string
}

// Worker is a Python process that loads the application and serves one job.
type Worker struct {
	*child.Process
	jobSocket
}

// process is a process of Python, and the two ends of its job socket.
type process struct {
	*child.Process
	socket int // ours
	own    int // its
}

// Start starts a worker. It has a process group of its own, and is killed when
// this process ends ([child.Start]).
//
// Python is told to leave out site (-S); the runtime does its work
// (runtime/quicksite.py).
func Start(cfg *Config) (*Worker, error) {
	p, err := start(cfg, "once", 0)
	if err != nil {
		return nil, err
	}
	unix.Close(p.own)
	return &Worker{p.Process, jobSocket{p.socket, p.PidFD()}}, nil
}

// messageBytes is how large a message on a job socket may be, for both sides (_MOST in
// runtime/job.py); jobBytes is room for a few of them.
const (
	messageBytes = 256 << 10
	jobBytes     = 512 << 10
)

// start starts a Python that goes its way (runtime/worker.py), with a place on the board
// if it stays.
func start(cfg *Config, way string, place int) (*process, error) {
	kind, where := "file", cfg.App.File
	switch {
	case cfg.App.File == "":
		kind, where = "module", cfg.App.Module
	case cfg.App.Folder != "":
		kind = "package:" + cfg.App.Module + ":" + cfg.App.Folder
	}
	others := modules()
	cache := ""
	if cfg.CacheDir != "" {
		cache = filepath.Join(cfg.CacheDir, cacheName(cfg, where, others))
	}
	cached, size, err := openCached(cache)
	if err != nil {
		return nil, err
	}
	defer unix.Close(cached)
	sources, err := memfd(loadSource, others)
	if err != nil {
		return nil, err
	}
	defer unix.Close(sources)
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("open /dev/null", err)
	}
	defer unix.Close(null)
	pair, err := jobSocketPair()
	if err != nil {
		return nil, err
	}

	argv := []string{cfg.Python, "-S", "-c", program(size), cache, kind, where, cfg.App.Callable, way}
	files := []uintptr{
		uintptr(null), uintptr(cfg.Stderr), uintptr(cfg.Stderr),
		jobFD: uintptr(pair[1]), cachedFD: uintptr(cached), sourcesFD: uintptr(sources),
	}
	if stay := cfg.Stay; way != "once" {
		watch, fresh := "", ""
		if stay.Files {
			watch = "watch"
		}
		if stay.Fresh {
			fresh = "fresh"
		}
		limit := stay.Weigh >> 10
		if limit == 0 && !stay.Meter {
			limit = -1
		}
		argv = append(argv, strconv.Itoa(place), strconv.FormatInt(limit, 10), watch, stay.WarmPath, fresh)
		files = append(files, uintptr(stay.Board.fd)) // boardFD
	}
	p, err := child.Start(cfg.Python, argv, &child.Attr{Env: cfg.Env, Files: files, Alone: cfg.Alone})
	if err != nil {
		unix.Close(pair[0])
		unix.Close(pair[1])
		return nil, startError(cfg.Python, err)
	}
	if way != "once" && p.PidFD() < 0 {
		p.Kill()
		unix.Close(pair[0])
		unix.Close(pair[1])
		return nil, errors.New("workers that stay need Linux 5.3 or later (pidfd_open)")
	}
	return &process{p, pair[0], pair[1]}, nil
}

// jobSocketPair makes a job socket: our end, and the worker's.
func jobSocketPair() ([2]int, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return pair, os.NewSyscallError("socketpair", err)
	}
	_ = unix.SetsockoptInt(pair[0], unix.SOL_SOCKET, unix.SO_SNDBUF, jobBytes)
	return pair, nil
}

// Close frees what the worker takes in this process. The worker must have ended.
func (w *Worker) Close() {
	unix.Close(w.fd)
	w.Process.Close()
}

func startError(python string, err error) error {
	switch {
	case errors.Is(err, unix.ENOENT):
		return errors.New(python + " is not there, or the interpreter that it names is not: say --python PATH")
	case errors.Is(err, unix.EACCES):
		return errors.New(python + " may not be executed by this user: " + err.Error())
	}
	return &os.PathError{Op: "start", Path: python, Err: err}
}

// memfd returns a descriptor, at offset 0, of a file in memory.
func memfd(head string, tail []byte) (int, error) {
	fd, err := unix.MemfdCreate("socketgi-runtime", unix.MFD_CLOEXEC)
	if err != nil {
		return -1, os.NewSyscallError("memfd_create", err)
	}
	if _, err = unix.Pwrite(fd, []byte(head), 0); err == nil {
		_, err = unix.Pwrite(fd, tail, int64(len(head)))
	}
	if err != nil {
		unix.Close(fd)
		return -1, os.NewSyscallError("pwrite", err)
	}
	return fd, nil
}
