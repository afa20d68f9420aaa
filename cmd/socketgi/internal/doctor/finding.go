// Package doctor looks at applications on this machine, and at the machine, and says
// what is wrong, why that matters and how it is mended.
package doctor

import "slices"

// Level says how bad a finding is.
type Level string

// Levels, from the best.
const (
	OK Level = "ok"
	// Note is worth knowing, and nothing is wrong.
	Note Level = "note"
	// Unchecked is what couldn't be found out. It is no success.
	Unchecked Level = "unchecked"
	// Warning is what goes wrong one day, or for some.
	Warning Level = "warning"
	// Error is what doesn't work.
	Error Level = "error"
)

// Finding is what one check found.
type Finding struct {
	// Check is the name of the check.
	Check string `json:"check"`
	Level Level  `json:"level"`
	// What is the case.
	What string `json:"what"`
	// Why it matters.
	Why string `json:"why,omitempty"`
	// Mend is a command line, or what to do where no command does it.
	Mend string `json:"mend,omitempty"`
}

// Report is what was found about one application, or about the machine.
type Report struct {
	// Name of the application, "" for the machine.
	Name     string    `json:"name"`
	Findings []Finding `json:"findings"`
}

// Status is the exit status: 0 when all is well, 1 for warnings and for what couldn't
// be checked, 2 for errors.
func Status(reports []Report) (status int) {
	for _, r := range reports {
		for _, f := range r.Findings {
			switch f.Level {
			case Error:
				return 2
			case Warning, Unchecked:
				status = 1
			}
		}
	}
	return status
}

// findings collects what one check finds.
type findings []Finding

func (f *findings) add(level Level, what, why, mend string) {
	*f = append(*f, Finding{Level: level, What: what, Why: why, Mend: mend})
}

func (f *findings) ok(what string)              { f.add(OK, what, "", "") }
func (f *findings) note(what, why, mend string) { f.add(Note, what, why, mend) }
func (f *findings) warn(what, why, mend string) { f.add(Warning, what, why, mend) }
func (f *findings) fail(what, why, mend string) { f.add(Error, what, why, mend) }
func (f *findings) unchecked(what, mend string) {
	f.add(Unchecked, what, "", mend)
}

// wrong tells whether something worse than a note is among them.
func (f findings) wrong() bool {
	return slices.ContainsFunc(f, func(one Finding) bool { return one.Level != OK && one.Level != Note })
}
