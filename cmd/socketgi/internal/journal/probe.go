package journal

import (
	"context"
	"os"
	"strconv"
	"time"

	sd "github.com/coreos/go-systemd/v22/journal"
	"github.com/socketgi/socketgi/cmd/internal/adapter"
)

// AnnounceProbe logs that this program is about to send a request with this id in its [adapter.ProbeHeader]. The id
// must be random, and be used once: [Probes] hides the entries of requests with it.
func AnnounceProbe(id, app string) error {
	return sd.Send("socketgi probes "+app, sd.PriInfo, map[string]string{
		"MESSAGE_ID": adapter.ProbeMessage, adapter.FieldProbe: id, "SYSLOG_IDENTIFIER": "socketgi"})
}

// Probes distinguishes entries about this program's own requests from those about clients' requests. A client can't
// hide its requests: an id is valid only if root has announced it, or with User this user, by the user id that
// journald records (_UID=).
type Probes struct {
	// User selects the journal of this user's service manager.
	User bool

	announced map[string]bool
	asked     time.Time
}

// Hides reports whether an entry is about a probe.
func (p *Probes) Hides(ctx context.Context, e *Entry) bool {
	if e.Probe == "" {
		return false
	}
	// A probe is announced before it is sent, so that no later announcement is missing.
	if now := time.Now(); !p.announced[e.Probe] && e.Time.After(p.asked) && now.Sub(p.asked) > time.Second {
		p.asked = now
		p.read(ctx)
	}
	return p.announced[e.Probe]
}

// read reads the announced probes and their users. Without the journal nothing is hidden.
func (p *Probes) read(ctx context.Context) {
	uid := 0
	if p.User {
		uid = os.Geteuid()
	}
	p.announced = map[string]bool{}
	q := Query{User: p.User, Matches: []string{"MESSAGE_ID=" + adapter.ProbeMessage, "_UID=" + strconv.Itoa(uid)}}
	for e, err := range q.Entries(ctx) {
		if err != nil {
			return
		}
		p.announced[e.Probe] = true
	}
}
