package units

import "github.com/socketgi/socketgi/units/internal/syntax"

// CommandLine joins a program and its arguments to the value of a directive that runs a command, such
// as ExecStart=: with quotes where they are needed, and so that systemd expands neither variables nor
// specifiers (systemd.service(5), Command Lines).
func CommandLine(words []string) string { return syntax.Command(words) }

// ParseCommandLine is the inverse of [CommandLine], for command lines that people write, too: it takes
// the value of ExecStart= apart into the program and its arguments. Prefixes of the program, such as
// "-" and "@", and with "@" the name that it is given, are left out. Variables and specifiers are not
// expanded; $$ and %% stand for $ and %. Of several commands, with a semicolon between them, it returns
// the first. The error tells what is wrong with quotes or backslashes, or that there is no command.
func ParseCommandLine(value string) (words []string, err error) { return syntax.Split(value) }
