package units

import (
	"fmt"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"
)

// SliceName is the default name of the unit with an application's limits: socketgi-NAME.slice, escaped
// as by systemd-escape(1), since a dash would make it a child of another slice (systemd.slice(5)).
func SliceName(name string) string { return "socketgi-" + unit.UnitNameEscape(name) + ".slice" }

// SocketPath is the default socket of the application called name: /run/socketgi/NAME.sock.
func SocketPath(name string) string { return "/run/socketgi/" + name + ".sock" }

// userSocket is the default socket in a user's service manager, as a value of ListenStream=: %t is the
// user's runtime directory (systemd.unit(5), Specifiers).
func userSocket(name string) string { return "%t/socketgi/" + name + ".sock" }

// CheckName returns an error unless name is valid for an application and its units: 1 to 64 ASCII
// letters, digits, "_", "." and "-", with neither of the last two first.
func CheckName(name string) error {
	if name == "" || len(name) > 64 || name[0] == '.' || name[0] == '-' {
		return fmt.Errorf("%q can't name an application: use up to 64 letters, digits, _ . and -, a letter or digit first", name)
	}
	for _, c := range name {
		if c >= 0x80 || !isAlphanumeric(byte(c)) && !strings.ContainsRune("_.-", c) {
			return fmt.Errorf("%q can't name an application: %q is not allowed, use letters, digits, _ . and -", name, c)
		}
	}
	return nil
}

// CheckMount returns an error unless mount is valid as a prefix of paths: "" or "/" for a whole server,
// or one slash followed by ASCII letters, digits and "/_.~-".
func CheckMount(mount string) error {
	if mount == "" || mount == "/" {
		return nil
	}
	if mount[0] != '/' || strings.Contains(mount, "//") {
		return fmt.Errorf("%q is not a prefix: expected one slash first, as in /app", mount)
	}
	for segment := range strings.SplitSeq(mount, "/") {
		if segment == "." || segment == ".." {
			return fmt.Errorf("%q is not a prefix: browsers resolve . and .. in paths", mount)
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
