package main

import (
	"errors"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/failure"
	"github.com/socketgi/socketgi/units"
)

// optionFlags maps fields of package units to the flags that set them.
var optionFlags = map[string]string{
	"Listen": "listen", "Allow": "allow", "Group": "group", "User": "user", "State": "state", "Env": "env", "Profile": "profile",
	"Mount": "mount", "Limits.MemoryMax": "memory-max", "Limits.TasksMax": "tasks-max", "Limits.CPUWeight": "cpu-weight", "Static": "static", "Servers": "server",
}

// explain is the text of an error, with a flag's name in place of a field's.
func explain(err error) string {
	option := (*units.OptionError)(nil)
	if !errors.As(err, &option) {
		return failure.Text(err)
	}
	text := option.Reason
	if flag, ok := optionFlags[option.Field]; ok {
		text = "--" + flag + ": " + text
	}
	return strings.Replace(failure.Text(err), option.Error(), text, 1)
}
