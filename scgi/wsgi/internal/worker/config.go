package worker

import (
	"strconv"
	"time"

	"github.com/socketgi/socketgi/scgi"
)

// App names an application. It has the fields of App in package wsgi, which is converted.
type App struct {
	File     string // the absolute path of a Python file, or ""
	Module   string // a dotted name, by itself or of File
	Folder   string // the folder above the package that File is a part of, or ""
	Callable string // the name of the application in it; "": the usual ones
}

// names are the arguments by which the runtime is told of it (runtime/application.py, load).
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

// Config says how a worker is started.
type Config struct {
	// App is what it loads.
	App App
	// Python is the interpreter: CPython 3.8 or later, or PyPy 3.
	Python string
	// CacheDir is a directory where the worker keeps what it needs to start
	// faster next time, or "". It must belong to the worker's user or to root:
	// code is loaded from it.
	CacheDir string
	// Env is the environment of the worker. REMOTE_ADDR and REMOTE_PORT are left out.
	Env []string
	// Stderr is the descriptor of the log. The worker's standard output goes
	// there, too: what an application prints is never part of a response.
	Stderr int
	// Interface is what the application is called by: [WSGI], [ASGI], or "" for what it looks like.
	Interface string
	// MaxMessage is the largest message of a WebSocket that is received, in bytes; 0: any.
	MaxMessage int64
	// Alone says that this process has no other children ([child.Attr]).
	Alone bool
	// Warm is for a [Warm] or a [Parent].
	Warm *WarmConfig
}

// WarmConfig says how workers are that serve more than one request.
type WarmConfig struct {
	// Door is what they pass connections on through.
	Door *Door
	// Listeners are the descriptors that they accept from, which don't block.
	Listeners []int
	// Peers are the users whose connections they serve by themselves; nil: all.
	Peers []uint32
	// Limits bound what they read of a request ([scgi.ReadRequest]).
	Limits scgi.Limits
	// Mount is that of [scgi.Request.Params].
	Mount string
	// Declined is a variable with which a request is passed on; "": none.
	Declined string
	// Patience is how long the web server may read nothing of a response; 0: for ever.
	Patience time.Duration
	// MaxRequests is after how many a worker ends; 0: never.
	MaxRequests int
	// MaxMemory is with how many bytes resident after a request it does; 0: never.
	MaxMemory int64
	// Concurrency is how many requests a worker with an ASGI application takes at once.
	Concurrency int
	// Timeout is how long such a worker lets a request take; 0: for ever. Others are told by whoever looks.
	Timeout time.Duration
	// Record has a worker measure and record each request ([Warm.Served]).
	Record bool
	// Files has them tell the files that modules were loaded from ([Report].Files).
	Files bool
	// WarmPath, with its query, is asked for with GET when the application is loaded, by
	// each process that loads it; "": nothing is.
	WarmPath string
	// Marks has each line that Python code writes to Stderr during a request begin with the ID of the request ([CutMark]).
	Marks bool
}

// settings are arguments of each process, behind the names of the application (runtime/worker.py).
func (c *Config) settings() (list []string) {
	if c.Interface != "" {
		list = append(list, "interface="+c.Interface)
	}
	if c.MaxMessage != 0 {
		list = append(list, "max-message="+strconv.FormatInt(c.MaxMessage, 10))
	}
	return list
}

// settings are arguments of a process that is warm, behind the others (runtime/worker.py).
func (c *WarmConfig) settings() []string {
	peers := "all"
	if c.Peers != nil {
		peers = "0" // root may do all that it can
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
