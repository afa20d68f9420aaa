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
	// ID tells findings apart, and stays the same whatever they are called; what is well and what
	// couldn't be checked has that of the check, with -ok or -unchecked.
	ID    string `json:"id"`
	Level Level  `json:"level"`
	// What is the case.
	What string `json:"what"`
	// Why it matters.
	Why string `json:"why,omitempty"`
	// Mend is a command line for a shell. It does what is needed, or changes nothing.
	Mend string `json:"mend,omitempty"`
	// Do is what to do where no command does it.
	Do string `json:"do,omitempty"`
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

// add adds a finding, and returns it for what else is known of it.
func (f *findings) add(id string, level Level, what, why, mend string) *Finding {
	*f = append(*f, Finding{ID: id, Level: level, What: what, Why: why, Mend: mend})
	return &(*f)[len(*f)-1]
}

func (f *findings) ok(what string)                           { f.add("", OK, what, "", "") }
func (f *findings) note(id, what, why, mend string) *Finding { return f.add(id, Note, what, why, mend) }
func (f *findings) warn(id, what, why, mend string) *Finding {
	return f.add(id, Warning, what, why, mend)
}
func (f *findings) fail(id, what, why, mend string) *Finding {
	return f.add(id, Error, what, why, mend)
}
func (f *findings) unchecked(what, mend string) *Finding {
	return f.add("", Unchecked, what, "", mend)
}

// failed tells whether an error is among them.
func (f findings) failed() bool {
	return slices.ContainsFunc(f, func(one Finding) bool { return one.Level == Error })
}

// wrong tells whether something worse than a note is among them.
func (f findings) wrong() bool {
	return slices.ContainsFunc(f, func(one Finding) bool { return one.Level != OK && one.Level != Note })
}
