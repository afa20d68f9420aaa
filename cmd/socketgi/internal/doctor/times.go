package doctor

import (
	"fmt"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
)

// judgeTimes compares nginx's timeout with those of the adapter.
func judgeTimes(app *host.Application, r route, f *findings) {
	if !app.UsesAdapter() {
		return
	}
	wait, ok := nginxconf.Duration(r.level.Value("scgi_read_timeout", "60s"))
	if !ok {
		return
	}
	longest, queue := longest(app)
	switch {
	case longest == 0:
		if wait < time.Hour {
			f.note("read-timeout-unlimited", fmt.Sprintf("%s: nginx waits %s (scgi_read_timeout), and --timeout 0 sets no limit", r.pass.Place(), adapter.FormatDuration(wait)), "", "")
		}
	case wait <= longest+queue:
		f.warn("read-timeout", fmt.Sprintf("%s: nginx waits %s (scgi_read_timeout), and a request may wait %s and take %s", r.pass.Place(), adapter.FormatDuration(wait), adapter.FormatDuration(queue), adapter.FormatDuration(longest)),
			"nginx answers 504 before the adapter's own 503 or 504",
			set(r, "scgi_read_timeout", fmt.Sprintf("%ds", int((longest+queue).Seconds())+15)))
	}
}

// longest returns the limits of a request's duration, 0 for none, and of its wait in the queue.
func longest(app *host.Application) (takes, queue time.Duration) {
	if app.Adapter.Concurrency > 0 {
		queue = app.Adapter.QueueTimeout
	}
	return app.Adapter.Timeout, queue
}
