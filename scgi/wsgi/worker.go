package wsgi

import (
	"errors"
	"hash/fnv"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Config says how a worker is started.
type Config struct {
	App App
	// Python is the interpreter: CPython 3.8 or later, or PyPy 3.
	Python string
	// CacheDir is a directory where the worker keeps what it needs to start
	// faster next time, or "". It must belong to the worker's user or to root:
	// code is loaded from it.
	CacheDir string
	// Env is the whole environment of the worker.
	Env []string
	// Stderr is the descriptor of the log. The worker's standard output goes
	// there, too: what an application prints is never part of a response.
	Stderr int
}

// Worker is a Python process that loads the application and serves one job.
type Worker struct {
	pid   int
	pidfd int // -1 where the kernel has none (before 5.2)
	jobs  int // our end of the job socket
	usage Usage
}

// Descriptors that the runtime counts on.
const (
	jobFD     = 3
	runtimeFD = 4
)

// Start starts a worker. It has a process group of its own, and is killed when
// the thread that calls Start ends: call runtime.LockOSThread in main.
//
// Python is told to leave out site (-S); the runtime does its work
// (runtime/quicksite.py).
func Start(cfg *Config) (*Worker, error) {
	blob, version := runtimeSources()
	program, err := memfd(bootSource, blob)
	if err != nil {
		return nil, err
	}
	defer unix.Close(program)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	defer unix.Close(pair[1])
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		unix.Close(pair[0])
		return nil, os.NewSyscallError("open /dev/null", err)
	}
	defer unix.Close(null)

	kind, where := "file", cfg.App.File
	if cfg.App.Module != "" {
		kind, where = "module", cfg.App.Module
	}
	w := &Worker{pidfd: -1, jobs: pair[0]}
	argv := []string{
		cfg.Python, "-S", "-c", "import posix;exec(posix.read(" + strconv.Itoa(runtimeFD) + "," + strconv.Itoa(len(bootSource)) + "))",
		cacheFile(cfg, where), version, kind, where, cfg.App.Callable,
	}
	w.pid, err = syscall.ForkExec(cfg.Python, argv, &syscall.ProcAttr{
		Env:   cfg.Env,
		Files: []uintptr{uintptr(null), uintptr(cfg.Stderr), uintptr(cfg.Stderr), jobFD: uintptr(pair[1]), runtimeFD: uintptr(program)},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, PidFD: &w.pidfd},
	})
	if err != nil {
		unix.Close(pair[0])
		return nil, startError(cfg.Python, err)
	}
	return w, nil
}

func startError(python string, err error) error {
	switch {
	case errors.Is(err, unix.ENOENT):
		return errors.New(python + " is not there, or the interpreter that it names is not: say --python PATH")
	case errors.Is(err, unix.EACCES):
		return errors.New(python + " may not be executed by this user: " + err.Error())
	}
	return errors.New("starting " + python + ": " + err.Error())
}

// cacheFile names the file for this application and this Python.
func cacheFile(cfg *Config, where string) string {
	if cfg.CacheDir == "" {
		return ""
	}
	h := fnv.New64a()
	h.Write([]byte(cfg.Python + "\x00" + where))
	return filepath.Join(cfg.CacheDir, "start-"+strconv.FormatUint(h.Sum64(), 16))
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
