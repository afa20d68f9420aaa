// Package adapter is the contract between the two programs: what socketgi writes for
// socketgi-adapter to read, and the other way round. A flag of the adapter has its name,
// default, help and check here, once ([Options]); so have the fields of what it logs, and
// the header in which a page of its own carries the id of its request.
//
// The adapter pays for what is imported here at each start: it is flag, and package scgi.
package adapter

import (
	"time"

	"github.com/socketgi/socketgi/scgi"
)

// Program is the name of the adapter's program.
const Program = "socketgi-adapter"

// Defaults that others count on, too: the web server waits longer than both together.
const (
	DefaultTimeout      = 60 * time.Second
	DefaultQueueTimeout = 30 * time.Second
)

// Options are the values of the adapter's command line. [Default] has its defaults; the
// zero value is of no use.
type Options struct {
	// Operands are APP; with CGI.Program the program and its arguments; with CGI.Root none.
	Operands []string
	// Mount is the prefix of the application's paths, where the web server sends no
	// SCRIPT_NAME. Default: none.
	Mount string
	// Timeout is how long a request may take, 0 for as long as it wants. Default 60 s.
	Timeout time.Duration
	// SendTimeout is how long the web server may take nothing of a response, 0 for ever.
	// Default 10 s.
	SendTimeout time.Duration
	// Limits bound what a request may cost. MemoryBytes and TempDir have no flags.
	Limits scgi.Limits
	// Concurrency is how many applications run at once, 0 for any number. The rest waits
	// for QueueTimeout. Defaults: 0, 30 s.
	Concurrency  int
	QueueTimeout time.Duration
	// Cache is the directory of cached code, and Slots that of the slots of Concurrency.
	// Where they are "", the adapter takes those that systemd made for it.
	Cache, Slots string
	// Python runs a WSGI application. Default: that of its virtual environment, else of PATH.
	Python string
	// CGI is of CGI programs.
	CGI CGI
	// IdleExit is how long nothing may be asked of a listening socket until the adapter
	// exits, 0 for ever. Default 5 min.
	IdleExit time.Duration
	// Backlog is how many connections of a listening socket are held at once. Default 1024.
	Backlog int
	// Warm is of the workers of a listening socket.
	Warm Warm
	// AccessLog has each request logged, and not only those that fail. Default true.
	AccessLog bool
	// AllowUIDs and AllowUsers are who may connect by a unix socket, besides root. Where both
	// are nil, any user may.
	AllowUIDs  []uint32
	AllowUsers []string
	// Debug shows tracebacks to the client.
	Debug bool
	// Check loads the application without a request.
	Check bool
	// AskReload is the process id of an adapter that is to load its application again, 0
	// for none.
	AskReload int
	// Version prints the version.
	Version bool
}

// CGI is of CGI programs, which are served with Program or Root.
type CGI struct {
	// Program has the program run that is the first of the operands.
	Program bool
	// Root is the directory below which a request names the program.
	Root string
	// Targets are directories outside of Root into which links below it may lead.
	Targets []string
	// NPH says that programs send whole HTTP responses (RFC 3875, 5), and Index that the
	// words of a query without = are their arguments (RFC 3875, 4.4).
	NPH, Index bool
	// IdleTimeout is how long a program may send nothing, 0 for ever. Default 0.
	IdleTimeout time.Duration
	// HeadBytes is the largest head of a response. Default 0, which is that of package cgi.
	HeadBytes int
}

// Warm is of warm workers.
type Warm struct {
	// Workers is how many there are. Default 0: one for each processor.
	Workers int
	// MaxRequests is after how many requests a worker is replaced, and MaxMemory with how
	// many bytes resident it is; 0: never. Defaults: 0.
	MaxRequests int
	MaxMemory   int64
	// Preload has workers forked from a process that has the application loaded. Default true.
	Preload bool
	// Reload loads the application again when a file of it changes.
	Reload bool
	// Path is what the application is asked for before anybody else asks.
	Path string
}

// Default returns the values of an empty command line.
func Default() Options {
	return Options{
		Timeout:      DefaultTimeout,
		SendTimeout:  10 * time.Second,
		QueueTimeout: DefaultQueueTimeout,
		Limits: scgi.Limits{
			HeaderBytes:   scgi.DefaultHeaderBytes,
			Headers:       scgi.DefaultHeaders,
			HeaderTimeout: scgi.DefaultHeaderTimeout,
			BodyTimeout:   scgi.DefaultBodyTimeout,
		},
		IdleExit:  5 * time.Minute,
		Backlog:   1024,
		Warm:      Warm{Preload: true},
		AccessLog: true,
	}
}

// WSGI tells whether a WSGI application is served, and no CGI program.
func (o *Options) WSGI() bool { return !o.CGI.Program && o.CGI.Root == "" }
