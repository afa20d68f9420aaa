// Package doctor checks applications and the machine, and reports problems with their effects and the
// commands that mend them.
package doctor

import "slices"

// Level is the severity of a finding.
type Level string

// Levels, from the best.
const (
	OK Level = "ok"
	// Note is information.
	Note Level = "note"
	// Unchecked is a failed check.
	Unchecked Level = "unchecked"
	// Warning is a problem under some conditions.
	Warning Level = "warning"
	// Error is a problem for all requests.
	Error Level = "error"
)

// Finding is what one check found.
type Finding struct {
	// Check is the name of the check.
	Check string `json:"check"`
	// ID identifies the finding, independent of its text. Levels OK and Unchecked have the name of the
	// check with -ok or -unchecked.
	ID    string `json:"id"`
	Level Level  `json:"level"`
	// What is the finding.
	What string `json:"what"`
	// Why is its effect.
	Why string `json:"why,omitempty"`
	// Mend is a shell command that mends it, or changes nothing.
	Mend string `json:"mend,omitempty"`
	// Do describes a manual step where there is no command.
	Do string `json:"do,omitempty"`
}

// Report has the findings about one application, or about the machine.
type Report struct {
	// Name of the application, "" for the machine.
	Name     string    `json:"name"`
	Findings []Finding `json:"findings"`
}

// Status is the exit status: 2 with errors, 1 with warnings and failed checks, else 0.
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

// findings collects the findings of one check.
type findings []Finding

// add adds a finding, and returns it for further fields.
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

// failed reports whether an error is among them.
func (f findings) failed() bool {
	return slices.ContainsFunc(f, func(one Finding) bool { return one.Level == Error })
}

// wrong reports whether something worse than a note is among them.
func (f findings) wrong() bool {
	return slices.ContainsFunc(f, func(one Finding) bool { return one.Level != OK && one.Level != Note })
}
