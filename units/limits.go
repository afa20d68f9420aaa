package units

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/units/internal/syntax"
)

// Limits are the directives of systemd.resource-control(5) with these names, for all processes of an
// application together. "" sets no limit.
type Limits struct {
	// MemoryMax is in bytes, with K, M, G or T for powers of 1024 (512M, 1.5G), or in percent of the
	// machine's memory (20%).
	MemoryMax string
	// TasksMax is a number of processes and threads, or in percent of the machine's limit.
	TasksMax string
	// CPUWeight is 1 to 10000, or "idle"; systemd's default is 100.
	CPUWeight string
}

var (
	sizeValue    = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?[KMGT]?$`)
	percentValue = regexp.MustCompile(`^[0-9]{1,3}(\.[0-9]{1,2})?%$`)
)

func (l Limits) check() error {
	if s := l.MemoryMax; s != "" && s != "infinity" && !isPercent(s) && !(sizeValue.MatchString(s) && exceeds(strings.TrimRight(s, "KMGT"), 0)) {
		return optionError("Limits.MemoryMax", "%q is not a size of memory (MemoryMax=): expected 512M, 1.5G or 20%%, for example", s)
	}
	if s := l.TasksMax; s != "" && s != "infinity" && !isPercent(s) {
		if n, err := strconv.ParseUint(s, 10, 63); err != nil || n == 0 {
			return optionError("Limits.TasksMax", "%q is not a number of tasks (TasksMax=): expected a number, or a percentage such as 10%%", s)
		}
	}
	if s := l.CPUWeight; s != "" && s != "idle" {
		if n, err := strconv.ParseUint(s, 10, 64); err != nil || n < 1 || n > 10000 {
			return optionError("Limits.CPUWeight", "%q is not a weight (CPUWeight=): expected 1 to 10000 (systemd's default: 100), or idle", s)
		}
	}
	return nil
}

func isPercent(s string) bool {
	n := strings.TrimSuffix(s, "%")
	return percentValue.MatchString(s) && exceeds(n, 0) && !exceeds(n, 100)
}

// exceeds reports whether a number is larger than a limit.
func exceeds(number string, limit float64) bool {
	n, err := strconv.ParseFloat(number, 64)
	return err == nil && n > limit
}

var sliceName = regexp.MustCompile(`^[A-Za-z0-9:_.\\-]+\.slice$`)

func (o *Options) checkSlice() error {
	if !sliceName.MatchString(o.Slice) || len(o.Slice) > 255 {
		return optionError("Slice", "%q can't name a slice: expected a name escaped by systemd-escape, with .slice", o.Slice)
	}
	return nil
}

// slice renders the slice of a pair.
func (o *Options) slice() string {
	u := syntax.New(o.Slice + ": limits of all processes of " + o.Name + ".")
	u.Section("Unit").Value("Description", o.Name+": limits")
	s := u.Section("Slice")
	for _, limit := range []struct{ name, value string }{{"MemoryMax", o.Limits.MemoryMax}, {"TasksMax", o.Limits.TasksMax}, {"CPUWeight", o.Limits.CPUWeight}} {
		if limit.value != "" {
			s.Value(limit.name, limit.value)
		}
	}
	u.Section("X-Socketgi").Value("Application", o.App)
	return u.String()
}
