package host

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// application writes a user's units, and loads them.
func application(t *testing.T, service string) (Host, *Application) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	t.Setenv("XDG_RUNTIME_DIR", dir)
	units := filepath.Join(dir, "systemd/user")
	require.NoError(t, os.MkdirAll(units, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(units, "app.socket"), []byte("[Socket]\nListenStream=%t/a%%b.sock\nAccept=yes\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(units, "app@.service"), []byte("[Service]\n"+service+"\n[X-Socketgi]\nApplication=x\n"), 0o600))
	h := Host{User: true}
	a, err := h.Load("app")
	require.NoError(t, err)
	return h, a
}

// hold locks bytes of a file, each as a process of its own would.
func hold(t *testing.T, path string, offsets ...int64) {
	t.Helper()
	for _, o := range offsets {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		require.NoError(t, err)
		t.Cleanup(func() { f.Close() })
		require.NoError(t, unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: o, Len: 1}))
	}
}

func TestSlots(t *testing.T) {
	h, a := application(t, "ExecStart=/usr/lib/socketgi-adapter --concurrency 4 --cache /nowhere app.py\nRuntimeDirectory=socketgi-app:link other")
	s, err := h.Slots(a)
	require.NoError(t, err)
	assert.Equal(t, &Slots{Total: 4}, s, "there was no request yet")

	path := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "socketgi-app/slots")
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	hold(t, path, 2, 0, 1, adapter.FirstTicket+7, 4, adapter.FirstTicket+5, adapter.FirstTicket+6, adapter.FirstTicket+9)
	s, err = h.Slots(a)
	require.NoError(t, err)
	assert.Equal(t, &Slots{Total: 4, InUse: 3, Waiting: 4}, s)

	_, a = application(t, "ExecStart=/usr/lib/socketgi-adapter --concurrency=4 --slots "+filepath.Dir(path)+" app.py\nRuntimeDirectory=x")
	s, err = h.Slots(a)
	require.NoError(t, err)
	assert.Equal(t, &Slots{Total: 4, InUse: 3, Waiting: 4}, s, "--slots counts more than RuntimeDirectory=")

	for _, none := range []string{
		"ExecStart=/usr/lib/socketgi-adapter --concurrency 0 app.py\nRuntimeDirectory=x", "ExecStart=/usr/lib/socketgi-adapter app.py\nRuntimeDirectory=x",
		"ExecStart=/usr/lib/socketgi-adapter --concurrency 4 app.py", "ExecStart=/usr/bin/own --concurrency 4\nRuntimeDirectory=x",
	} {
		h, a = application(t, none)
		s, err = h.Slots(a)
		require.NoError(t, err)
		assert.Nil(t, s, none)
	}
}

func TestAddress(t *testing.T) {
	h, a := application(t, "ExecStart=/bin/x")
	network, address, err := h.Address(a)
	require.NoError(t, err)
	assert.Equal(t, "unix", network)
	assert.Equal(t, os.Getenv("XDG_RUNTIME_DIR")+"/a%b.sock", address)
	for listen, want := range map[string]string{
		"/run/x.sock": "unix /run/x.sock", "./x": "unix ./x", "@x": "unix @x", "127.0.0.1:9000": "tcp 127.0.0.1:9000",
		"[::1]:9000": "tcp [::1]:9000", "9000": "tcp localhost:9000",
	} {
		network, address := ParseAddress(listen)
		assert.Equal(t, want, network+" "+address)
	}
}

// TestLocksOfStrangers has an application make more locks than there are requests.
func TestLocksOfStrangers(t *testing.T) {
	h, a := application(t, "ExecStart=/usr/lib/socketgi-adapter --concurrency 4 app.py\nRuntimeDirectory=socketgi-app")
	path := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "socketgi-app/slots")
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	require.NoError(t, err)
	defer f.Close()
	for i := range int64(mostLocks + 500) {
		lock := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: adapter.FirstTicket + 2*i, Len: 1}
		require.NoError(t, unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lock))
	}
	s, err := h.Slots(a)
	require.NoError(t, err)
	assert.Equal(t, &Slots{Total: 4, Waiting: mostLocks}, s)
}
