package outcome

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFormatDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Minute: "1min", 5 * time.Minute: "5min", 90 * time.Second: "1min 30s", time.Hour: "1h",
		time.Hour + time.Second: "1h 1s", 30 * time.Second: "30s", 1500 * time.Millisecond: "1.5s",
		400 * time.Millisecond: "400ms", 50 * time.Microsecond: "0.05ms", -2 * time.Minute: "-2min",
	} {
		assert.Equal(t, want, FormatDuration(d))
	}
}

// TestFormatDurationOfSystemd compares the format with that of systemd's own tool.
func TestFormatDurationOfSystemd(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze: install systemd")
	}
	for _, d := range []time.Duration{time.Second, 30 * time.Second, time.Minute, 90 * time.Second, 5 * time.Minute, 61 * time.Minute, 250 * time.Millisecond} {
		out, err := exec.Command(analyze, "timespan", strconv.FormatInt(d.Microseconds(), 10)+"us").CombinedOutput()
		require.NoError(t, err, "%s", out)
		_, human, _ := strings.Cut(string(out), "Human: ")
		assert.Equal(t, strings.TrimSpace(human), FormatDuration(d))
	}
}
