package doctor

import (
	"fmt"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
)

// judgeTimes compares how long nginx waits with how long the application may take.
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
			f.note("read-timeout-unlimited", fmt.Sprintf("%s: nginx waits %v (scgi_read_timeout), and --timeout 0 sets no limit", r.pass.Place(), wait), "", "")
		}
	case wait <= longest+queue:
		f.warn("read-timeout", fmt.Sprintf("%s: nginx waits %v (scgi_read_timeout), and a request may wait %v and take %v", r.pass.Place(), wait, queue, longest),
			"the application's own 503 and 504, and what the log says of them, come too late: the client gets nginx's 504",
			set(r, "scgi_read_timeout", fmt.Sprintf("%ds", int((longest+queue).Seconds())+15)))
	}
}

// longest is how long a request may take, 0 for no limit, and how long it may wait before.
func longest(app *host.Application) (takes, queue time.Duration) {
	if app.Adapter.Concurrency > 0 {
		queue = app.Adapter.QueueTimeout
	}
	return app.Adapter.Timeout, queue
}
