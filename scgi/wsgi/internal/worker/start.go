package worker

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/socketgi/socketgi/scgi/internal/child"
	"golang.org/x/sys/unix"
)

// The modes of a process (WAY in runtime/worker.py).
const (
	once   = "once"   // a Single
	many   = "many"   // a Warm
	parent = "parent" // a Parent
)

// process is a Python process, and our end of its job socket.
type process struct {
	*child.Process
	socket int
}

// start starts a Python process in the given mode, a warm worker with its board. The process has its
// own process group, and is killed when this process ends ([child.Start]).
//
// With -S, Python doesn't import site: the runtime does its work faster (runtime/quicksite.py).
func start(cfg *Config, way string, board int) (*process, error) {
	in, err := openInputs(cfg)
	if err != nil {
		return nil, err
	}
	defer in.close()
	pair, err := jobSocketPair()
	if err != nil {
		return nil, err
	}
	argv := append(in.argv, cfg.App.Callable, way)
	argv = append(argv, cfg.settings()...)
	files := []uintptr{
		uintptr(in.null), uintptr(cfg.Stderr), uintptr(cfg.Stderr),
		jobFD: uintptr(pair[1]), cachedFD: uintptr(in.cached), sourcesFD: uintptr(in.sources),
	}
	if way != once {
		if board < 0 {
			board = in.null
		}
		argv = append(argv, cfg.Warm.settings()...)
		files = append(files, uintptr(cfg.Warm.Door.theirs), uintptr(board))
		for _, listener := range cfg.Warm.Listeners {
			files = append(files, uintptr(listener))
		}
	}
	p, err := child.Start(cfg.Python, argv, &child.Attr{Env: environment(cfg.Env), Files: files, Alone: cfg.Alone})
	switch {
	case err != nil:
		err = startError(cfg.Python, err)
	case way != once && p.PidFD() < 0:
		p.Kill()
		err = errors.New("warm workers need Linux 5.3 or later (pidfd_open)")
	}
	if err != nil {
		unix.Close(pair[0])
		unix.Close(pair[1])
		return nil, err
	}
	unix.Close(pair[1])
	return &process{p, pair[0]}, nil
}

// inputs has the descriptors and arguments of every Python process.
type inputs struct {
	null, cached, sources int // descriptors
	argv                  []string
}

func openInputs(cfg *Config) (in inputs, err error) {
	in = inputs{null: -1, cached: -1, sources: -1}
	defer func() {
		if err != nil {
			in.close()
		}
	}()
	kind, where := cfg.App.names()
	others := modules()
	cache := ""
	if cfg.CacheDir != "" {
		cache = filepath.Join(cfg.CacheDir, cacheName(cfg, where, others))
	}
	var size int64
	if in.cached, size, err = openCached(cache); err != nil {
		return in, err
	}
	if in.sources, err = memfd(loadSource, others); err != nil {
		return in, err
	}
	if in.null, err = unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		return in, os.NewSyscallError("open /dev/null", err)
	}
	in.argv = []string{cfg.Python, "-S", "-c", program(size), cache, kind, where}
	return in, nil
}

func (in inputs) close() {
	for _, fd := range []int{in.null, in.cached, in.sources} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

func startError(python string, err error) error {
	switch {
	case errors.Is(err, unix.ENOENT):
		return errors.New(python + " does not exist, or the interpreter in its first line does not exist: use --python PATH")
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

// environment returns the unit's environment without the variables that systemd sets for a
// connection: they have the address of the web server, not that of the client.
func environment(unit []string) []string {
	kept := make([]string, 0, len(unit))
	for _, e := range unit {
		if name, _, _ := strings.Cut(e, "="); name != "REMOTE_ADDR" && name != "REMOTE_PORT" {
			kept = append(kept, e)
		}
	}
	return kept
}
