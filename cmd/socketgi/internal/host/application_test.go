package host

import (
	"testing"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/stretchr/testify/assert"
)

// TestAdapter reads a command line as the adapter does.
func TestAdapter(t *testing.T) {
	_, a := application(t, "ExecStart=/usr/lib/socketgi/socketgi-adapter --reload --mount /m --timeout=5s --allow-uid 33 --allow-user me /srv/app.py")
	assert.Equal(t, "/m", a.Mount(), "--reload takes no value")
	assert.True(t, a.Adapter.Warm.Reload)
	assert.Equal(t, 5*time.Second, a.Adapter.Timeout)
	assert.Equal(t, []string{"/srv/app.py"}, a.Adapter.Operands)
	assert.Equal(t, []string{"33", "me"}, a.Allowed())

	_, a = application(t, "ExecStart=/usr/lib/socketgi/socketgi-adapter --concurrency 3 --mount /m --no-such /srv/app.py")
	assert.Equal(t, "/m", a.Mount(), "before the mistake")

	_, a = application(t, "ExecStart=/usr/lib/socketgi/socketgi-adapter --concurrency ${N} --timeout=$T --mount /m --of-tomorrow x --cache /c -- /srv/app.py")
	assert.Equal(t, "/m", a.Mount(), "systemd knows what a variable is")
	assert.Equal(t, adapter.Default().Timeout, a.Adapter.Timeout)
	assert.Equal(t, "/c", a.Adapter.Cache, "behind a flag of another version")
	assert.Equal(t, []string{"/srv/app.py"}, a.Adapter.Operands)

	_, a = application(t, "ExecStart=/usr/bin/own --mount /m")
	assert.Equal(t, adapter.Default(), a.Adapter, "the flags of another program are its own")
	assert.Empty(t, a.Mount())
	assert.Nil(t, a.Allowed())
}

// TestAllowedBySystemd checks that users that systemd is still to expand aren't taken for every user.
func TestAllowedBySystemd(t *testing.T) {
	for _, flags := range []string{"--allow-uid ${UIDS}", "-allow-uid=${UIDS}", "--allow-user ${UIDS}"} {
		_, a := application(t, "ExecStart=/x/socketgi-adapter "+flags+" /srv/app.py")
		assert.Equal(t, []string{"${UIDS}"}, a.Allowed(), flags)
	}
}
