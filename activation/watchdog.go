package activation

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// WatchdogInterval is the interval at which to send [Watchdog]: half of WatchdogSec=, as
// sd_watchdog_enabled(3) recommends; 0 if the service manager doesn't expect it from this process. The
// error is for an invalid WATCHDOG_USEC or WATCHDOG_PID.
func WatchdogInterval() (time.Duration, error) {
	usec, pid := os.Getenv("WATCHDOG_USEC"), os.Getenv("WATCHDOG_PID")
	if usec == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || n <= 0 || n > int64(1<<63-1)/1000 {
		return 0, fmt.Errorf("WATCHDOG_USEC=%q is not a number of microseconds", usec)
	}
	if pid != "" {
		switch p, err := strconv.Atoi(pid); {
		case err != nil:
			return 0, fmt.Errorf("WATCHDOG_PID=%q is not a process id", pid)
		case p != os.Getpid():
			return 0, nil
		}
	}
	return time.Duration(n) * time.Microsecond / 2, nil
}

// FeedWatchdog sends [Watchdog] to the service manager at [WatchdogInterval] until done is closed. It
// returns at once. Failed is called with each error; if nil, errors are ignored.
func FeedWatchdog(done <-chan struct{}, failed func(error)) {
	if failed == nil {
		failed = func(error) {}
	}
	interval, err := WatchdogInterval()
	if err != nil {
		failed(err)
	}
	if interval == 0 {
		return
	}
	go func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if err := Notify(Watchdog); err != nil {
					failed(err)
				}
			case <-done:
				return
			}
		}
	}()
}
