package doctor

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginx"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
)

// freshness compares the age of nginx's workers with that of its configuration.
func freshness(ctx context.Context, x *examination, f *findings) {
	web := x.web
	newest, newestFile := time.Time{}, ""
	seen := map[string]bool{}
	nginxconf.Walk(web.conf, func(d *nginxconf.Directive) {
		if !seen[d.File] {
			seen[d.File] = true
			if info, err := os.Stat(d.File); err == nil && info.ModTime().After(newest) {
				newest, newestFile = info.ModTime(), d.File
			}
		}
	})
	master, err := nginx.Master(nginx.PIDFile(web.about, web.conf))
	if errors.Is(err, nginx.ErrNotRunning) {
		if x.ifThere(ctx, "nginx.service", "Service").Text("LoadState") == "masked" {
			f.fail("nginx-masked", "nginx doesn't run: nginx.service is masked", "the browser gets no response, also after a boot", "systemctl unmask --quiet nginx && systemctl enable --now nginx")
			return
		}
		f.fail("nginx-stopped", "nginx doesn't run", "the browser gets no response", "systemctl enable --now nginx")
		return
	}
	if err != nil {
		return // unknown
	}
	// Each reload starts new workers. Their times are rounded to a clock tick and to the second of the boot.
	for _, w := range nginx.Workers(master) {
		if newest.After(w.Started.Add(2 * time.Second)) {
			f.warn("nginx-not-reloaded", "nginx has not read "+newestFile+" since it was changed", "the change is not in effect", reload)
			return
		}
	}
}
