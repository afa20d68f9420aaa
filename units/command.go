package units

import "github.com/socketgi/socketgi/units/internal/syntax"

// CommandLine joins a program and its arguments to the value of a directive such as ExecStart=, with
// quotes where needed, and with variables and specifiers escaped (systemd.service(5), Command Lines).
func CommandLine(words []string) string { return syntax.Command(words) }

// ParseCommandLine is the inverse of [CommandLine]: it splits the value of ExecStart= into the program and
// its arguments. Prefixes of the program, such as "-" and "@", and the argv[0] after "@", are omitted.
// Variables and specifiers are not expanded; $$ and %% are read as $ and %. Of several commands,
// separated by semicolons, it returns the first. The error is for invalid quotes or backslashes, or for
// an empty value.
func ParseCommandLine(value string) (words []string, err error) { return syntax.Split(value) }
