package main

import (
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/activation"
	"golang.org/x/sys/unix"
)

// This file does what a service manager asks of a service that stays.

// reporter tells the service manager how a pool is, once a second at most.
type reporter struct {
	pool *pool
	said string
}

// run reports until the process ends.
func (r *reporter) run() {
	for range time.Tick(time.Second) {
		if r.pool.news.Swap(false) {
			r.report()
		}
	}
}

func (r *reporter) report() {
	if s := r.pool.status(); s != r.said {
		r.said = s
		_ = activation.Notify("STATUS=" + strings.ReplaceAll(s, "\n", " "))
	}
}

// reloadOnHUP loads the application again on each SIGHUP, which "systemctl reload"
// sends, and tells the service manager when that is over (sd_notify(3)).
func reloadOnHUP(p *pool) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	go func() {
		for range hup {
			var now unix.Timespec
			_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
			_ = activation.Notify("RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(now.Nano()/1000, 10))
			p.reload()
			_ = activation.Notify(activation.Ready + "\nSTATUS=" + p.status())
		}
	}()
}

// feedWatchdog does what WatchdogSec= asks for, twice as often (sd_watchdog_enabled(3)).
func feedWatchdog() {
	usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if pid := os.Getenv("WATCHDOG_PID"); err != nil || usec <= 0 || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return
	}
	go func() {
		for range time.Tick(time.Duration(usec) * time.Microsecond / 2) {
			_ = activation.Notify("WATCHDOG=1")
		}
	}()
}
