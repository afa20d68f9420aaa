package outcome

import (
	"strconv"
	"strings"
	"time"
)

// FormatDuration formats a duration as systemd's tools do (systemd.time(7)), in h, min and s, or in ms below
// a second: 5min, 1min 30s, 250ms.
func FormatDuration(d time.Duration) string {
	if d < 0 {
		return "-" + FormatDuration(-d)
	}
	if d > 0 && d < time.Second {
		return decimal(float64(d)/float64(time.Millisecond)) + "ms"
	}
	var parts []string
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"h", time.Hour}, {"min", time.Minute}} {
		if n := d / unit.length; n > 0 {
			parts = append(parts, strconv.FormatInt(int64(n), 10)+unit.name)
			d %= unit.length
		}
	}
	if d > 0 || len(parts) == 0 {
		parts = append(parts, decimal(d.Seconds())+"s")
	}
	return strings.Join(parts, " ")
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
