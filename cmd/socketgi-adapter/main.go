// Command socketgi-adapter is what ExecStart= runs: it takes the connection that
// systemd, inetd or xinetd hands to it, decodes the one SCGI request in it, and
// has an application answer.
package main

import (
	"errors"
	"flag"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/socketgi/socketgi/activation"
	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/wsgi"
)

// Exit statuses. A request that was answered, if only with an error, is a
// success: the unit did what it is for.
const (
	exitOK     = 0
	exitServe  = 1 // handed something that can't be served
	exitConfig = 2 // the command line is wrong
)

func main() {
	// A worker is killed when the thread that started it ends.
	runtime.LockOSThread()
	os.Exit(run())
}

func run() int {
	cfg, flagErr := parseFlags(os.Args[1:], os.Stdout)
	switch {
	case errors.Is(flagErr, flag.ErrHelp):
		return exitOK
	case flagErr == nil && cfg.version:
		os.Stdout.WriteString("socketgi-adapter " + version() + "\n")
		return exitOK
	}
	handed, err := activation.Receive()
	fd := -1
	if err == nil && handed.Connection != nil {
		fd = handed.Connection.FD
	}
	log := openLog(fd)
	defer log.close()
	switch {
	case flagErr != nil:
		// Whoever asked gets an answer; how to mend it is the operator's to read.
		log.write(prioErr, "socketgi-adapter: "+flagErr.Error())
		if fd >= 0 {
			conn := scgi.NewConn(fd)
			_, _ = conn.Write(page(500, "This application is not set up correctly. The log says why.",
				flagErr.Error(), cfg != nil && cfg.debug))
			conn.Finish(linger)
		}
		return exitConfig
	case errors.Is(err, activation.ErrNothing):
		log.write(prioErr, "socketgi-adapter serves the connection that a systemd socket unit with Accept=yes hands to it, "+
			"and was handed none; to try it by hand: socketgi dev "+strings.Join(os.Args[len(os.Args)-1:], " "))
		return exitServe
	case err != nil:
		log.write(prioErr, "socketgi-adapter: "+err.Error())
		return exitServe
	case fd < 0:
		log.write(prioErr, "socketgi-adapter was handed a listening socket, and serves single connections: "+
			"say Accept=yes in the socket unit (nowait in inetd.conf)")
		return exitServe
	}
	r := &request{cfg: cfg, log: log, conn: scgi.NewConn(fd), slot: noSlot}
	r.serve(&wsgi.Config{App: cfg.app, Python: cfg.python, CacheDir: cfg.cacheDir, Env: workerEnv(os.Environ()), Stderr: 2})
	return exitOK
}

// workerEnv is the unit's environment without what is said of the connection:
// the address that systemd gives for it is the web server's.
func workerEnv(env []string) []string {
	kept := env[:0:0]
	for _, e := range env {
		if name, _, _ := strings.Cut(e, "="); name != "REMOTE_ADDR" && name != "REMOTE_PORT" {
			kept = append(kept, e)
		}
	}
	return kept
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(unknown)"
	}
	return info.Main.Version
}
