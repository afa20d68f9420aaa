package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/failure"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/trial"
)

// checkLimits looks for limits of systemd that stop an application under load.
func checkLimits(ctx context.Context, x *examination, app *host.Application) (f findings) {
	socket, err := x.of(ctx, app.Socket.Name, "Socket")
	if err != nil {
		f.unchecked(failure.Text(err), "")
		return f
	}
	limits(app, socket, x.ifThere(ctx, serviceOf(app), "Service"), &f)
	if x.manager != nil && !app.Warm {
		failed, err := x.manager.ListUnitsByPatternsContext(ctx, []string{"failed"}, []string{app.Name + "@*.service"})
		if err == nil && len(failed) > 0 {
			f.warn("failed-instances", fmt.Sprintf("%d failed instances are kept", len(failed)), "each counts as a connection", "systemctl reset-failed '"+app.Name+"@*.service'")
		}
	}
	if len(f) == 0 {
		f.ok("no number of connections stops the socket")
	}
	return f
}

// serviceOf returns the service, or for a template an instance, so that systemd reports its properties.
func serviceOf(app *host.Application) string {
	if app.Warm {
		return app.Service.Name
	}
	return trial.Instance(app.Name)
}

// limits judges the properties of socket and service.
func limits(app *host.Application, socket, service manager.Properties, f *findings) {
	interval, burst := socket.Span("TriggerLimitIntervalUSec"), socket.Number("TriggerLimitBurst")
	// systemd can't start a thousand services a second anyway.
	if interval > 0 && float64(burst) < interval.Seconds()*1000 {
		f.warn("trigger-limit", fmt.Sprintf("%d connections within %s stop %s for good (TriggerLimitBurst=)", burst, adapter.FormatDuration(interval), app.Socket.Name),
			"a client with enough requests takes the application down until the socket is started again",
			dropIn(app, app.Socket, "Socket", "TriggerLimitIntervalSec=0")+" && "+relisten(app))
	}
	if app.Warm {
		if interval, burst := service.Span("StartLimitIntervalUSec"), service.Number("StartLimitBurst"); interval > 0 && interval < time.Hour*24*365 && burst > 0 {
			f.warn("start-limit", fmt.Sprintf("%d starts of %s within %s stop %s for good (StartLimitBurst=)", burst, app.Service.Name, adapter.FormatDuration(interval), app.Socket.Name),
				"an application that crashes a few times is down until the socket is started again",
				dropIn(app, app.Service, "Unit", "StartLimitIntervalSec=0"))
		}
		return
	}
	most := socket.Number("MaxConnections")
	if n := uint64(app.Adapter.Concurrency); n > 0 && most <= n {
		f.warn("max-connections", fmt.Sprintf("MaxConnections=%d leaves no connections for a queue behind the %d slots of --concurrency", most, n),
			"systemd closes further connections without a response: the client gets 502",
			dropIn(app, app.Socket, "Socket", "MaxConnections=1024")+" && "+relisten(app))
	}
	if service.Text("CollectMode") == "inactive" {
		f.warn("collect-mode", "instances that failed are kept (CollectMode=inactive)", "each counts as a connection, until MaxConnections= is reached",
			dropIn(app, app.Service, "Unit", "CollectMode=inactive-or-failed"))
	}
}
