package worker

import (
	"strconv"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/outcome"
)

// App names an application. It has the fields of wsgi.App, which is converted to it.
type App struct {
	File     string // the absolute path of a Python file, or ""
	Module   string // a dotted name, by itself or of File
	Folder   string // the folder above the package that contains File, or ""
	Callable string // the name of the application in the module; "": the usual names
}

// names returns the arguments of the runtime that name the application (load in
// runtime/application.py).
func (a App) names() (kind, where string) {
	switch {
	case a.File == "":
		return "module", a.Module
	case a.Folder != "":
		return "package:" + a.Module + ":" + a.Folder, a.File
	}
	return "file", a.File
}

// The interfaces of an application.
const (
	WSGI = "wsgi" // PEP 3333
	ASGI = "asgi" // https://asgi.readthedocs.io/en/latest/specs/main.html
)

// Config configures a worker.
type Config struct {
	// App is the application.
	App App
	// Python is the path of the interpreter: CPython 3.8 or later, or PyPy 3.
	Python string
	// CacheDir is a directory for files with which workers start faster; "": none. It must
	// belong to the worker's user or to root, because the worker loads code from it.
	CacheDir string
	// Env is the environment of the worker. REMOTE_ADDR and REMOTE_PORT are removed.
	Env []string
	// Stderr is the descriptor for the worker's standard error and standard output: print() is
	// never part of a response.
	Stderr int
	// Interface is the interface of the application: [WSGI], [ASGI], or "" to detect it.
	Interface string
	// MaxMessage is the size in bytes of the largest WebSocket message that is received; 0: no
	// limit.
	MaxMessage int64
	// Alone declares that this process has no other children ([child.Attr]).
	Alone bool
	// Warm is required for a [Warm] and a [Parent].
	Warm *WarmConfig
}

// WarmConfig configures warm workers.
type WarmConfig struct {
	// Door connects the workers with this process.
	Door *Door
	// Listeners are the descriptors from which the workers accept. They are non-blocking.
	Listeners []int
	// Peers are the users whose connections the workers serve themselves; nil: all.
	Peers []uint32
	// Limits are the limits of a request ([scgi.ReadRequest]).
	Limits scgi.Limits
	// Mount is the mount of [scgi.Request.Params].
	Mount string
	// Declined is the name of a variable. Requests that have it are passed on; "": none.
	Declined string
	// Patience is the time without progress after which sending a response fails, because the web
	// server reads nothing; 0: no limit.
	Patience time.Duration
	// MaxRequests is the number of requests after which a worker ends; 0: no limit.
	MaxRequests int
	// MaxMemory is the resident size in bytes above which a worker ends, measured after each
	// request; 0: no limit.
	MaxMemory int64
	// Concurrency is the number of requests that a worker with an ASGI application handles at
	// once.
	Concurrency int
	// Timeout is the time after which such a worker ends a request by itself; 0: no limit. For
	// others, the process that reads their board does.
	Timeout time.Duration
	// Record has each request measured and recorded ([Warm.Served]).
	Record bool
	// Files has workers report the files that they load modules from ([Report].Files).
	Files bool
	// WarmPath, with its query, is requested from the application with GET by each process that
	// has loaded it; "": nothing.
	WarmPath string
	// Marks has each line that Python code writes to Stderr during a request begin with the id
	// of the request ([CutMark]).
	Marks bool
}

// settings returns the arguments of every worker that follow the names of the application
// (runtime/worker.py).
func (c *Config) settings() (list []string) {
	if c.Interface != "" {
		list = append(list, "interface="+c.Interface)
	}
	if c.MaxMessage != 0 {
		list = append(list, "max-message="+strconv.FormatInt(c.MaxMessage, 10))
	}
	return list
}

// settings returns the further arguments of a warm worker.
func (c *WarmConfig) settings() []string {
	peers := "all"
	if c.Peers != nil {
		peers = "0" // root is always allowed
		for _, uid := range c.Peers {
			peers += "," + strconv.FormatUint(uint64(uid), 10)
		}
	}
	most := orDefault(c.Limits.MemoryBytes, scgi.DefaultMemoryBytes)
	if c.Limits.BodyBytes > 0 {
		most = min(most, c.Limits.BodyBytes)
	}
	flag := map[bool]string{true: "yes"}
	return []string{
		"listeners=" + strconv.Itoa(len(c.Listeners)),
		"peers=" + peers,
		"header-bytes=" + strconv.Itoa(orDefault(c.Limits.HeaderBytes, scgi.DefaultHeaderBytes)),
		"headers=" + strconv.Itoa(orDefault(c.Limits.Headers, scgi.DefaultHeaders)),
		"body-bytes=" + strconv.FormatInt(most, 10),
		"mount=" + c.Mount,
		"declined=" + c.Declined,
		"patience=" + strconv.Itoa(int(patience(c.Patience))),
		"requests=" + strconv.Itoa(c.MaxRequests),
		"limit=" + strconv.FormatInt(c.MaxMemory>>10, 10),
		"record=" + flag[c.Record],
		"watch=" + flag[c.Files],
		"warm-path=" + c.WarmPath,
		"concurrency=" + strconv.Itoa(c.Concurrency),
		"timeout=" + strconv.FormatInt(c.Timeout.Milliseconds(), 10),
		"timeout-text=" + outcome.FormatDuration(c.Timeout),
		"fresh=" + flag[c.MaxRequests == 1],
		"mark=" + flag[c.Marks],
	}
}

func orDefault[T int | int64](value, def T) T {
	if value == 0 {
		return def
	}
	return value
}
