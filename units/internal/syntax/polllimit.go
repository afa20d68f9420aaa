package syntax

// PollLimit adds the limit of connections per interval of an Accept=yes socket, for systemd 255 and later
// (systemd.socket(5)).
func (s *Section) PollLimit(version int) {
	if version >= 255 {
		s.Because("The default, 150 in 2 s, is 75 a second. Without a limit, many connections at once\nwould block systemd.",
			"PollLimitIntervalSec=100ms", "PollLimitBurst=20")
	}
}
