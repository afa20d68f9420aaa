// Package adapter is the contract between socketgi and socketgi-adapter: the adapter's flags with
// their defaults, help and checks ([Options]), the fields of its journal entries, and the header with
// the id of a request.
//
// The adapter pays for each import of this package at every start: flag and package scgi only.
package adapter

import (
	"time"

	"github.com/socketgi/socketgi/scgi"
)

// Program is the name of the adapter's program.
const Program = "socketgi-adapter"

// Defaults that the web server's configuration depends on: its timeout exceeds their sum.
const (
	DefaultTimeout      = 60 * time.Second
	DefaultQueueTimeout = 30 * time.Second
)

// The values of [Options].Interface.
const (
	InterfaceAuto = "auto" // detected when the application is loaded
	InterfaceWSGI = "wsgi"
	InterfaceASGI = "asgi"
)

// InterfaceLine begins the last line that --check prints, with the interface in upper case behind it.
const InterfaceLine = "Interface: "

// Interfaces are all of them.
var Interfaces = []string{InterfaceWSGI, InterfaceASGI, InterfaceAuto}

// Options are the values of the adapter's command line. [Default] returns the defaults; the zero value
// is not useful.
type Options struct {
	// Operands are APP; with CGI.Program the program and its arguments; with CGI.Root none.
	Operands []string
	// Mount is the prefix of the application's paths, for web servers that send no SCRIPT_NAME.
	// Default: none.
	Mount string
	// Timeout limits the duration of a request, 0 for no limit. Default 60 s.
	Timeout time.Duration
	// SendTimeout limits how long the web server may read nothing of a response, 0 for no limit.
	// Default 10 s.
	SendTimeout time.Duration
	// Limits are those of package scgi. MemoryBytes and TempDir have no flags.
	Limits scgi.Limits
	// Concurrency limits the requests that run at once, 0 for no limit; further ones wait up to
	// QueueTimeout. Defaults: 0, 30 s. Of a warm ASGI application it is the limit of each worker, 0 for
	// 100.
	Concurrency  int
	QueueTimeout time.Duration
	// Cache is the directory of cached code, and Slots that of the slots of Concurrency. "" is the
	// directory that systemd made (CacheDirectory=, RuntimeDirectory=).
	Cache, Slots string
	// Python is the path of the Python for a WSGI or ASGI application. Default: that of its virtual
	// environment, else python3 in PATH.
	Python string
	// Interface is how the application is called, one of [Interfaces]. Default: [InterfaceAuto].
	Interface string
	// MaxMessage limits the messages that a WebSocket receives, in bytes, 0 for no limit. Default 16 MiB.
	MaxMessage int64
	CGI        CGI
	// IdleExit is the time without a request after which a listening adapter exits, 0 for never.
	// Default 5 min.
	IdleExit time.Duration
	// Backlog limits the connections that a listening adapter holds at once. Default 1024.
	Backlog int
	Warm    Warm
	// AccessLog logs every request, not only failed ones. Default true.
	AccessLog bool
	// AllowUIDs and AllowUsers are the users besides root whose connections on a unix socket are
	// served. If both are nil, every user's are.
	AllowUIDs  []uint32
	AllowUsers []string
	// Debug shows tracebacks to the client.
	Debug bool
	// Check loads the application without a request.
	Check bool
	// AskReload is the process id of an adapter that is to reload its application, 0 for none.
	AskReload int
	// Version prints the version.
	Version bool
}

// CGI has the options of CGI programs, which are served with Program or Root.
type CGI struct {
	// Program runs the program that is the first operand.
	Program bool
	// Root is the directory below which the URL names the program.
	Root string
	// Targets are directories outside of Root that symbolic links below it may lead to.
	Targets []string
	// NPH passes complete HTTP responses on (RFC 3875, 5). Index makes the words of a query without
	// = the program's arguments (RFC 3875, 4.4).
	NPH, Index bool
	// IdleTimeout limits how long a program may write nothing, 0 for no limit. Default 0.
	IdleTimeout time.Duration
	// HeadBytes limits the head of a response. Default 0, for the default of package cgi.
	HeadBytes int
}

// Warm has the options of warm workers.
type Warm struct {
	// Workers is their number. Default 0: one per processor.
	Workers int
	// MaxRequests is the number of requests after which a worker is replaced, and MaxMemory the
	// resident bytes beyond which it is; 0 for never. Defaults: 0.
	MaxRequests int
	MaxMemory   int64
	// Preload forks workers from a process that has loaded the application. Default true.
	Preload bool
	// Reload reloads the application when one of its files changes.
	Reload bool
	// Path is requested once after loading, before any client's request.
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
		Interface:  InterfaceAuto,
		MaxMessage: 16 << 20,
		IdleExit:   5 * time.Minute,
		Backlog:    1024,
		Warm:       Warm{Preload: true},
		AccessLog:  true,
	}
}

// WSGI reports whether a Python application is served, of WSGI or ASGI, not a CGI program.
func (o *Options) WSGI() bool { return !o.CGI.Program && o.CGI.Root == "" }
