package units

import "fmt"

// OptionError is the error of [Render], [RenderEach], [Nginx], [Apache] and [Lighttpd] for an invalid
// option.
type OptionError struct {
	// Field is the name of the field, such as "Listen" or "Limits.MemoryMax".
	Field string
	// Reason is what is wrong with its value, and what is expected.
	Reason string
}

// Error names the field and the reason.
func (e *OptionError) Error() string { return e.Field + ": " + e.Reason }

func optionError(field, format string, a ...any) error {
	return &OptionError{field, fmt.Sprintf(format, a...)}
}

// asOption makes err an [OptionError], unless it is nil.
func asOption(field string, err error) error {
	if err == nil {
		return nil
	}
	return &OptionError{field, err.Error()}
}
