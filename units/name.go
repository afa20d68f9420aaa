package units

import (
	"fmt"
	"strings"
)

// SocketPath is where the application called name listens by default: /run/socketgi/NAME.sock.
func SocketPath(name string) string { return "/run/socketgi/" + name + ".sock" }

// userSocket is where an application of a user's own systemd listens by default, as a value of
// ListenStream=: %t is that user's runtime directory (systemd.unit(5), Specifiers).
func userSocket(name string) string { return "%t/socketgi/" + name + ".sock" }

// CheckName tells why name can't be the name of an application, and so of its units: it has 1 to 64
// ASCII letters, digits, "_", "." and "-", and begins with none of the last two.
func CheckName(name string) error {
	if name == "" || len(name) > 64 || name[0] == '.' || name[0] == '-' {
		return fmt.Errorf("%q can't name an application: use up to 64 letters, digits, _ . and -, a letter or digit first", name)
	}
	for _, c := range []byte(name) {
		if !isAlphanumeric(c) && strings.IndexByte("_.-", c) < 0 {
			return fmt.Errorf("%q can't name an application: %q is not allowed, use letters, digits, _ . and -", name, c)
		}
	}
	return nil
}

// CheckMount tells why mount can't be the prefix of an application's paths: "" and "/" are all of a
// web server; others begin with one slash, and consist of letters, digits and "/_.~-".
func CheckMount(mount string) error {
	if mount == "" || mount == "/" {
		return nil
	}
	if mount[0] != '/' || strings.Contains(mount, "//") {
		return fmt.Errorf("%q is not a prefix: it begins with one slash, like /app", mount)
	}
	for segment := range strings.SplitSeq(mount, "/") {
		if segment == "." || segment == ".." {
			return fmt.Errorf("%q is not a prefix: no browser sends . or .. in a path", mount)
		}
	}
	for _, c := range []byte(mount) {
		if !isAlphanumeric(c) && strings.IndexByte("/_.~-", c) < 0 {
			return fmt.Errorf("%q is not a prefix: use letters, digits, / _ . ~ and -", mount)
		}
	}
	return nil
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
