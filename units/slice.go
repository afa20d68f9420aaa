package units

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Limits are what all processes of an application may have together, as directives of
// systemd.resource-control(5) by these names. "" sets no limit.
type Limits struct {
	// MemoryMax is in bytes, or with K, M, G or T (1024), or in percent of the machine's.
	MemoryMax string
	// TasksMax is how many processes and threads there may be, or in percent of what the
	// machine may have.
	TasksMax string
	// CPUWeight is 1 to 10000, where others have 100, or "idle".
	CPUWeight string
}

// SliceName returns the name of the unit that has the limits of the application called
// name. A dash would make it a part of another application's (systemd.slice(5)), so it is
// escaped as systemd-escape(1) does.
func SliceName(name string) string {
	return "socketgi-" + strings.ReplaceAll(name, "-", `\x2d`) + ".slice"
}

var (
	sizeValue    = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?[KMGT]?$`)
	percentValue = regexp.MustCompile(`^[0-9]{1,3}(\.[0-9]{1,2})?%$`)
)

func (l Limits) check() error {
	if s := l.MemoryMax; s != "" && s != "infinity" && !isPercent(s) && !(sizeValue.MatchString(s) && exceeds(strings.TrimRight(s, "KMGT"), 0)) {
		return fmt.Errorf("%q is no limit for memory (MemoryMax=): write it like 512M, 1.5G or 20%%", s)
	}
	if s := l.TasksMax; s != "" && s != "infinity" && !isPercent(s) {
		if n, err := strconv.ParseUint(s, 10, 63); err != nil || n == 0 {
			return fmt.Errorf("%q is no limit for processes and threads (TasksMax=): write a number, or one like 10%%", s)
		}
	}
	if s := l.CPUWeight; s != "" && s != "idle" {
		if n, err := strconv.ParseUint(s, 10, 64); err != nil || n < 1 || n > 10000 {
			return fmt.Errorf("%q is no weight (CPUWeight=): write 1 to 10000, where others have 100, or idle", s)
		}
	}
	return nil
}

func isPercent(s string) bool {
	n := strings.TrimSuffix(s, "%")
	return percentValue.MatchString(s) && exceeds(n, 0) && !exceeds(n, 100)
}

// exceeds tells whether a number is larger than a limit.
func exceeds(number string, limit float64) bool {
	n, err := strconv.ParseFloat(number, 64)
	return err == nil && n > limit
}

// slice renders the slice of a pair, "" for none.
func (o *Options) slice() string {
	if o.Limits == (Limits{}) {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: what all of %s may have together.\n[Unit]\nDescription=%[2]s: limits\n\n[Slice]\n", SliceName(o.Name), o.Name)
	for _, limit := range [][2]string{{"MemoryMax", o.Limits.MemoryMax}, {"TasksMax", o.Limits.TasksMax}, {"CPUWeight", o.Limits.CPUWeight}} {
		if limit[1] != "" {
			fmt.Fprintf(&b, "%s=%s\n", limit[0], escape(limit[1]))
		}
	}
	fmt.Fprintf(&b, "\n[X-Socketgi]\nApplication=%s\n", escape(o.App))
	return b.String()
}
