package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestImportVerify has systemd read imported units; the programs are there, because
// it looks.
func TestImportVerify(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("systemd-analyze is missing: make test installs it")
		}
		t.Skip("systemd-analyze is missing: make test installs it")
	}
	dir := t.TempDir()
	inetd, xinetd := filepath.Join(dir, "inetd.conf"), filepath.Join(dir, "xinetd.conf")
	require.NoError(t, os.WriteFile(inetd, []byte(`ssh stream tcp nowait/4/0/2 root:root /bin/cat other 'a "b\' 100% $HOME \ ;
192.0.2.1:2222 stream tcp46 nowait root /bin/cat cat
tftp dgram udp6 wait.30 daemon /bin/cat cat
:root:root:200:/var/run/hello.sock stream unix nowait/4 daemon /bin/scgi_run scgi_run /usr/local/cgi/hello.cgi
/run/a%b.sock seqpacket unix nowait daemon /bin/cat cat
`), 0o600))
	require.NoError(t, os.WriteFile(xinetd, []byte(`defaults
{
	only_from = 10.0.0.0 localhost ::1
}
service rsync
{
	flags = KEEPALIVE NODELAY LABELED
	socket_type = stream
	wait = no
	user = root
	group = root
	server = /bin/cat
	server_args = -u
	no_access = 10.1.2.3
	instances = 5
	per_source = 2
	cps = 50 10
	nice = -3
	umask = 027
	env = A=%n B="x
	passenv = TZ
	rlimit_as = 8M
	rlimit_files = 100
	rlimit_cpu = UNLIMITED
	rlimit_data = 100k
	rlimit_rss = 1M
	rlimit_stack = 8M
}
`), 0o600))
	out, err := exec.Command("socketgi", "import", inetd, xinetd, "--adapter", filepath.Join(adapterDir, adapter.Program)).Output()
	require.NoError(t, err)
	args := []string{"verify", "--man=no"}
	for text := range strings.SplitSeq(string(out), "# /etc/systemd/system/") {
		name, unit, found := strings.Cut(text, "\n")
		if strings.HasPrefix(name, "# ") || !found {
			continue
		}
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(unit), 0o600))
		args = append(args, path)
	}
	assert.Len(t, args, 2+2*6)
	said, err := exec.Command(analyze, args...).CombinedOutput()
	assert.NoError(t, err)
	assert.Empty(t, string(said))
}

// TestImportPipe has a FIFO without a writer instead of a script.
func TestImportPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "script.py")
	require.NoError(t, unix.Mkfifo(pipe, 0o666))
	read := make(chan error, 1)
	go func() { _, err := readScript(pipe); read <- err }()
	select {
	case err := <-read:
		assert.ErrorContains(t, err, pipe+" is no file")
	case <-time.After(30 * time.Second):
		t.Fatal("it waits for somebody to write")
	}
}
