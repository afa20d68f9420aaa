package inetd

import "fmt"

// entry is one service of a configuration.
type entry struct {
	line  int
	label string // what it was called
	was   string // the original, for the unit's comment
	err   error

	kind      string   // stream, dgram or seqpacket
	path      string   // of a unix socket, else
	addresses []string // of the others
	wait      bool     // the program accepts by itself
	program   string
	argv      []string
	user      string
	max       int // at once, 0 for no limit

	socket, service []setting
	notes           []string
}

type setting struct{ key, value string }

func (e *entry) note(format string, a ...any) { e.notes = append(e.notes, fmt.Sprintf(format, a...)) }

func (e *entry) inSocket(key, value string)  { e.socket = append(e.socket, setting{key, value}) }
func (e *entry) inService(key, value string) { e.service = append(e.service, setting{key, value}) }

// cantError is for a valid entry that is not possible with systemd.
type cantError string

func (e cantError) Error() string { return "no units: " + string(e) }
