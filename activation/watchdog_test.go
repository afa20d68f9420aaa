package activation

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWatchdogInterval is half of what go-systemd returns.
func TestWatchdogInterval(t *testing.T) {
	for _, usec := range []string{"", "0", "-1", "x", "1000000", "3", "9223372036854775807", "99999999999999999999"} {
		for _, pid := range []string{"", "x", "1", strconv.Itoa(os.Getpid())} {
			t.Setenv("WATCHDOG_USEC", usec)
			t.Setenv("WATCHDOG_PID", pid)
			expected, oracleErr := daemon.SdWatchdogEnabled(false)
			interval, err := WatchdogInterval()
			if usec == "9223372036854775807" { // which overflows there
				expected, oracleErr = 0, os.ErrInvalid
			}
			assert.Equal(t, expected/2, interval, "%q %q", usec, pid)
			assert.Equal(t, oracleErr != nil, err != nil, "%q %q: %v", usec, pid, err)
		}
	}
}

func TestFeedWatchdog(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: socket})
	require.NoError(t, err)
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", socket)
	t.Setenv("WATCHDOG_PID", "")
	t.Setenv("WATCHDOG_USEC", "2000")
	done := make(chan struct{})
	FeedWatchdog(done, nil)
	for range 3 {
		buf := make([]byte, 100)
		n, err := l.Read(buf)
		require.NoError(t, err)
		assert.Equal(t, Watchdog, string(buf[:n]))
	}
	close(done)

	failures := make(chan error, 1000)
	done = make(chan struct{})
	t.Setenv("NOTIFY_SOCKET", socket+"-nobody")
	FeedWatchdog(done, func(err error) { failures <- err })
	assert.Error(t, <-failures)
	close(done)
	t.Setenv("WATCHDOG_USEC", "soon")
	FeedWatchdog(nil, func(err error) { failures <- err })
	for err := range failures {
		if err.Error() == `WATCHDOG_USEC="soon" is not a number of microseconds` {
			break
		}
	}
}

// TestStates are those of sd_notify(3).
func TestStates(t *testing.T) {
	assert.Equal(t, daemon.SdNotifyReady, Ready)
	assert.Equal(t, daemon.SdNotifyStopping, Stopping)
	assert.Equal(t, daemon.SdNotifyWatchdog, Watchdog)
	assert.Equal(t, "STATUS=a b", Status("a\nb"))
	assert.Regexp(t, `^`+daemon.SdNotifyReloading+`\nMONOTONIC_USEC=\d+$`, Reloading())
}
