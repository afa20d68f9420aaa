// Command socketgi-adapter is what ExecStart= runs: it takes the connection that
// systemd, inetd or xinetd hands to it, decodes the one SCGI request in it, and
// has an application answer.
package main

import (
	"errors"
	"flag"
	"os"
	"strings"

	"github.com/socketgi/socketgi/activation"
	"github.com/socketgi/socketgi/cmd/internal/version"
)

// Exit statuses. A request that was answered, if only with an error, is a
// success: the unit did what it is for.
const (
	exitOK     = 0
	exitServe  = 1 // handed something that can't be served
	exitConfig = 2 // the command line is wrong
)

func main() { os.Exit(run()) }

func run() int {
	cfg, flagErr := parseFlags(os.Args[1:], os.Stdout)
	switch {
	case errors.Is(flagErr, flag.ErrHelp):
		return exitOK
	case flagErr == nil && cfg.version:
		os.Stdout.WriteString("socketgi-adapter " + version.Release() + " (commit " + version.Commit() + ")\n")
		return exitOK
	case flagErr == nil && cfg.askReload != 0:
		return askReload(cfg.askReload)
	}
	if cfg.check {
		return check(cfg, flagErr)
	}
	handed, err := activation.Receive()
	fd := -1
	if err == nil && handed.Connection != nil {
		fd = handed.Connection.FD
	}
	log := openLog(fd)
	defer log.close()
	if flagErr == nil && fd >= 0 {
		flagErr = cfg.checkSingle()
	}
	if flagErr != nil && fd < 0 { // with a connection it is logged with the request
		log.write(prioErr, "socketgi-adapter: "+flagErr.Error())
	}
	switch {
	case errors.Is(err, activation.ErrNothing) && flagErr == nil:
		log.write(prioErr, "socketgi-adapter serves what a systemd socket unit hands to it, "+
			"and was handed nothing; to try it by hand: socketgi dev "+strings.Join(os.Args[len(os.Args)-1:], " "))
		return exitServe
	case errors.Is(err, activation.ErrNothing):
		return exitConfig
	case err != nil:
		log.write(prioErr, "socketgi-adapter: "+err.Error())
		return exitServe
	}
	// Whoever asks gets an answer also where the command line is wrong; how to mend
	// it is the operator's to read.
	app := cfg.application(flagErr, fd >= 0)
	if fd >= 0 {
		serveConnection(cfg, log, app, fd)
	} else if err := cfg.serveListeners(log, app, handed.Listeners); err != nil {
		log.write(prioErr, "socketgi-adapter: "+err.Error())
		return exitServe
	}
	if flagErr != nil {
		return exitConfig
	}
	return exitOK
}
