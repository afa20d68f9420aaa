package main

import (
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWarmRecord checks what is logged of requests.
func TestWarmRecord(t *testing.T) {
	t.Parallel()
	app := program(t, `
import time
hold = []
def application(e, s):
    path = e['PATH_INFO']
    if path == '/grow':
        hold.append(bytearray(b'x') * (64 << 20))
    elif path == '/burn':
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
    elif path == '/raise':
        raise RuntimeError('on purpose')
    elif path == '/own':
        s('500 Of its own', [])
        return [b'sorry']
    s('200 OK', [])
    return [b'well']
`)
	u, p := warmUnit(t, pythons(t)[0], "--workers", "1", app)
	for _, path := range []string{"/", "/burn", "/grow", "/quiet"} {
		assert.Equal(t, "well", u.get(path).body)
	}
	assert.Equal(t, 500, u.get("/raise").status)
	log := p.stop(t)
	record := func(path string, status int) (cpu float64, growth int) {
		t.Helper()
		found := regexp.MustCompile(`(?m)^[0-9a-f]{32} GET ` + path + ` ` + strconv.Itoa(status) + ` \d+ bytes [0-9.]+ ms, ([0-9.]+) ms CPU, \+(\d+) KiB$`).FindStringSubmatch(log)
		require.NotNil(t, found, "%s: %s", path, log)
		cpu, err := strconv.ParseFloat(found[1], 64)
		require.NoError(t, err)
		return cpu, atoi(t, found[2])
	}
	record("/", 200)
	cpu, growth := record("/burn", 200)
	assert.GreaterOrEqual(t, cpu, 99.0)
	assert.Less(t, growth, 10<<10)
	cpu, growth = record("/grow", 200)
	assert.Less(t, cpu, 5000.0)
	assert.GreaterOrEqual(t, growth, 60<<10)
	cpu, growth = record("/quiet", 200)
	assert.Less(t, cpu, 90.0, "what others took is not counted")
	assert.Less(t, growth, 10<<10)
	record("/raise", 500)

	u, p = warmUnit(t, pythons(t)[0], "--workers", "1", "--access-log", "no", app)
	assert.Equal(t, 200, u.get("/").status)
	assert.Equal(t, 500, u.get("/raise").status)
	assert.Equal(t, "sorry", u.get("/own").body)
	log = p.stop(t)
	assert.NotContains(t, log, "GET / 200")
	assert.Contains(t, log, "GET /raise 500")
	assert.Contains(t, log, "GET /own 500", "as with Accept=yes")
	assert.Contains(t, log, "RuntimeError: on purpose")
}

// TestWarmTells follows what the service manager is told.
func TestWarmTells(t *testing.T) {
	t.Parallel()
	path, open := gate(t)
	u := newUnit(t, "--python", pythons(t)[0], "--workers", "2", "testdata/warm.py")
	u.env = []string{"WATCHDOG_USEC=40000"}
	p := u.start()
	u.toldOf("READY=1")
	conn := u.raw(query(t, "/wait", path))
	assert.Contains(t, u.toldOf("STATUS=1 busy"), "1 busy, 1 idle, 0 served")
	for range 5 {
		u.toldOf("WATCHDOG=1")
	}
	open()
	answered(t, conn)
	u.toldOf("STATUS=0 busy, 2 idle, 1 served")
	p.stop(t)
	u.toldOf("STOPPING=1")

}
