package main

import (
	"errors"
	"strings"

	"github.com/socketgi/socketgi/units"
)

// optionFlags are the flags that set the fields of package units; the others are arguments, or made of
// them.
var optionFlags = map[string]string{
	"Listen": "listen", "Allow": "allow", "Group": "group", "User": "user", "State": "state", "Env": "env", "Profile": "profile",
	"Mount": "mount", "Limits.MemoryMax": "memory-max", "Limits.TasksMax": "tasks-max", "Limits.CPUWeight": "cpu-weight", "Static": "static", "Servers": "server",
}

// explain is the text of an error, with the flag in the place of the field that is not possible.
func explain(err error) string {
	option := (*units.OptionError)(nil)
	if !errors.As(err, &option) {
		return err.Error()
	}
	text := option.Reason
	if flag, ok := optionFlags[option.Field]; ok {
		text = "--" + flag + ": " + text
	}
	return strings.Replace(err.Error(), option.Error(), text, 1)
}
