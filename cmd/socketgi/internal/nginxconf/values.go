package nginxconf

import (
	"strconv"
	"strings"
	"time"
)

// Duration parses a time of nginx: 60, 1m30s, 500ms.
func Duration(s string) (time.Duration, bool) {
	units := map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour,
		"d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "M": 30 * 24 * time.Hour, "y": 365 * 24 * time.Hour, "": time.Second}
	var sum time.Duration
	for rest := strings.ReplaceAll(s, " ", ""); ; {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		n, err := strconv.ParseInt(rest[:digits], 10, 32)
		if err != nil {
			return 0, false
		}
		rest = rest[digits:]
		name := rest[:len(rest)-len(strings.TrimLeft(rest, "mshdwMy"))]
		if strings.HasPrefix(name, "ms") {
			name = "ms"
		}
		unit, ok := units[name]
		if !ok {
			return 0, false
		}
		sum += time.Duration(n) * unit
		if rest = rest[len(name):]; rest == "" {
			return sum, true
		}
	}
}

// Size parses a number of bytes: 4096, 32k, 1m, 1g.
func Size(s string) (int64, bool) {
	shift := 0
	if s != "" {
		if i := strings.IndexByte("kKmMgG", s[len(s)-1]); i >= 0 {
			shift, s = 10*(i/2+1), s[:len(s)-1]
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > (1<<62)>>shift {
		return 0, false
	}
	return n << shift, true
}
