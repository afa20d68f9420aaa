package terminal

import (
	"fmt"
	"strconv"
	"time"
)

// Stamp is how a time is written in a line, as journalctl does.
const Stamp = "Jan 02 15:04:05"

// Span is a duration in its two largest units.
func Span(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", max(d, 0).Milliseconds())
	}
	units := []struct {
		name string
		d    time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}}
	for i, u := range units {
		if d < u.d {
			continue
		}
		text := fmt.Sprintf("%d %s", d/u.d, u.name)
		if i+1 < len(units) && d%u.d >= units[i+1].d {
			text += fmt.Sprintf(" %d %s", d%u.d/units[i+1].d, units[i+1].name)
		}
		return text
	}
	return ""
}

// Size is a number of bytes as systemd writes it, in powers of 1024.
func Size(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10) + "B"
	}
	f, unit := float64(n), -1
	for f >= 1024 && unit < 4 {
		f /= 1024
		unit++
	}
	return fmt.Sprintf("%.1f%c", f, "KMGTP"[unit])
}
