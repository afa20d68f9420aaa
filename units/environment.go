package units

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// checkEnv checks the variables.
func (o *Options) checkEnv() error {
	for _, e := range o.Env {
		if err := checkVariable(e); err != nil {
			return asOption("Env", err)
		}
	}
	return nil
}

// checkVariable checks a variable (systemd.exec(5), Environment=).
func checkVariable(s string) error {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" || name[0] >= '0' && name[0] <= '9' {
		return fmt.Errorf("%q is not a variable: expected NAME=VALUE", s)
	}
	for _, c := range []byte(name) {
		if !isAlphanumeric(c) && c != '_' {
			return fmt.Errorf("%q can't name a variable: use letters, digits and _", name)
		}
	}
	if !utf8.ValidString(value) {
		return fmt.Errorf("the value of %s is not UTF-8", name)
	}
	for _, c := range value {
		if c < ' ' && c != '\t' && c != '\n' || c == 0x7f {
			return fmt.Errorf("the value of %s contains the control character %q", name, c)
		}
	}
	return nil
}
