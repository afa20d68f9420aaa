package terminal

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestTableFits checks that a list fits a terminal of 80 columns, and is whole elsewhere.
func TestTableFits(t *testing.T) {
	long := "/srv/" + strings.Repeat("ä", 100) + "/app.py"
	var table Table
	table.Add(Texts("NAME", "STATE", "ENABLED", "ACCEPT", "DROP-INS", "LISTEN", "APPLICATION")...)
	table.Add(Texts("a-rather-long-name", "listening", "enabled", "yes", "-", "/run/socketgi/a-rather-long-name.sock", long)...)
	var whole strings.Builder
	table.Print(&whole, false, "")
	assert.Contains(t, whole.String(), long)

	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	defer master.Close()
	require.NoError(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	require.NoError(t, unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}))
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	terminal, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	defer terminal.Close()
	table.Print(terminal, false, "")
	shown, buf := "", make([]byte, 4096)
	for strings.Count(shown, "\n") < 2 { // a read may have one line
		n, err := master.Read(buf)
		require.NoError(t, err)
		shown += string(buf[:n])
	}
	lines := strings.Split(strings.TrimSpace(shown), "\r\n")
	for _, line := range lines {
		assert.LessOrEqual(t, len([]rune(line)), 80, line)
	}
	assert.True(t, strings.HasSuffix(lines[len(lines)-1], "…"), lines)
	assert.Contains(t, lines[len(lines)-1], "a-rather-long-name listening")
}
