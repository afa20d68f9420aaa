package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// failing is an application whose startup fails.
const failing = `async def app(scope, receive, send):
    if scope['type'] == 'lifespan':
        await receive()
        await send({'type': 'lifespan.startup.failed', 'message': 'no database today'})
`

// TestASGILimits fills a worker with requests, exceeds the timeout of one among others, and fails lifespans.
func TestASGILimits(t *testing.T) {
	s := newSite(t)
	s.Install("testdata/asgi/asgiapp.py", "/srv/asgiapp.py", 0o644)
	s.Write("/srv/failing.py", failing)
	var names []string
	place := func(name, file string, flags ...string) {
		s.place(append([]string{name, "/srv/" + file, "--python", "/usr/bin/python3", "--user", "www-data", "--mount", "/" + name}, flags...),
			[]string{name, "--mount", "/" + name, "--streaming"})
		names = append(names, name)
	}
	one := []string{"--accept", "no", "--workers", "1"}
	place("few", "asgiapp.py", append(one, "--concurrency", "3", "--queue-timeout", "1s")...)
	place("late", "asgiapp.py", append(one, "--timeout", "3s")...)
	for _, mode := range asgiModes {
		place("failing-"+mode.name, "failing.py", mode.flags...)
	}
	s.start(names...)

	var open []streaming
	for range 3 { // each has a response of the only worker before another ends
		open = append(open, s.open("/few/events/few", "data: one\n\n"))
	}
	assert.Equal(t, 503, s.get("/few/pid").StatusCode, "the fourth waits until its time in the queue is over")
	s.Write("/srv/open/gate-few", "")
	for _, r := range open {
		assert.Equal(t, "data: two\n\n", r.rest())
	}
	assert.Equal(t, 200, s.get("/few/pid").StatusCode)

	before := s.get("/late/pid").body
	assert.Equal(t, 504, s.get("/late/hang").StatusCode)
	assert.Equal(t, before, s.get("/late/pid").body, "the worker goes on")

	for _, mode := range asgiModes {
		unit := "failing-" + mode.name
		assert.Equal(t, 500, s.get("/"+unit+"/").StatusCode, unit)
		s.Wait("the reason", func() error {
			if log := s.Run("journalctl", "-q", "-o", "cat", "-u", unit+".service", "-u", unit+"@*"); !strings.Contains(log, "no database today") {
				return fmt.Errorf("%s", log)
			}
			return nil
		})
	}
}
