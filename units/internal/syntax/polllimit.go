package syntax

// PollLimit adds how many connections of a socket with Accept=yes a systemd of that version takes
// before it looks after others (systemd.socket(5); it knows the directives since 255).
func (s *Section) PollLimit(version int) {
	if version >= 255 {
		s.Because("The default, 150 in 2 s, is 75 a second. Without a limit, many connections at once\nwould block systemd.",
			"PollLimitIntervalSec=100ms", "PollLimitBurst=20")
	}
}
