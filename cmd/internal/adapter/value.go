package adapter

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Package flag calls String of a zero value of each kind.

// text is any string.
type text string

func (t *text) String() string     { return string(*t) }
func (t *text) Set(s string) error { *t = text(s); return nil }
func (t *text) Type() string       { return "text" }

// path is the path of a URL, or "".
type path string

func (p *path) String() string { return string(*p) }
func (p *path) Type() string   { return "path" }

func (p *path) Set(s string) error {
	if s != "" && s[0] != '/' {
		return errors.New("a path must begin with a slash")
	}
	*p = path(s)
	return nil
}

// span is a duration of at least least nanoseconds.
type span struct {
	time  *time.Duration
	least time.Duration
}

// Duration is the value of a flag with a duration of at least 0.
func Duration(d *time.Duration) Value { return span{d, 0} }

func (d span) Type() string { return "duration" }

func (d span) String() string {
	if d.time == nil {
		return "0s"
	}
	return DurationValue(*d.time)
}

func (d span) Set(s string) error {
	v, err := ParseDuration(s)
	switch {
	case err != nil:
		return err
	case v < 0:
		return errors.New("a timeout must not be negative")
	case v < d.least:
		return errors.New("a timeout must be positive")
	}
	*d.time = v
	return nil
}

// ParseDuration reads a duration such as 90s, 5min, 5m or "1h 30min". As in unit files, a number without a
// unit is in seconds (systemd.time(7)).
func ParseDuration(s string) (time.Duration, error) {
	text := ""
	for _, word := range strings.Fields(strings.ReplaceAll(s, "min", "m")) {
		if text != "" && isDigit(text[len(text)-1]) && isDigit(word[0]) {
			text += "s" // a number without a unit
		}
		text += word
	}
	if text != "" && isDigit(text[len(text)-1]) {
		text += "s"
	}
	v, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration: expected seconds, or 90s, 5min, 1h30min", s)
	}
	return v, nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// number is an integer of at least least.
type number struct {
	number *int
	least  int
}

func (n number) Type() string { return "number" }

func (n number) String() string {
	if n.number == nil {
		return "0"
	}
	return strconv.Itoa(*n.number)
}

func (n number) Set(s string) error {
	v, err := strconv.ParseInt(s, 0, strconv.IntSize)
	if err != nil || v < int64(n.least) {
		return fmt.Errorf("expected a number, %d or more", n.least)
	}
	*n.number = int(v)
	return nil
}

// size is a number of bytes with the suffixes of systemd, which are powers of 1024.
type size[T int | int64] struct {
	bytes       *T
	least, most T
}

const (
	units     = "KMGT"
	mostBytes = 1 << 62
)

func (z size[T]) Type() string { return "size" }

func (z size[T]) String() string {
	if z.bytes == nil {
		return "0"
	}
	n, unit := int64(*z.bytes), 0
	for unit < len(units) && n != 0 && n%1024 == 0 {
		n, unit = n/1024, unit+1
	}
	return strconv.FormatInt(n, 10) + units[max(unit-1, 0):unit]
}

func (z size[T]) Set(s string) error {
	n, err := parseSize(s)
	switch {
	case err != nil:
		return err
	case n < int64(z.least) || n > int64(z.most):
		least, most := z.least, z.most
		return fmt.Errorf("expected between %v and %v bytes", size[T]{bytes: &least}, size[T]{bytes: &most})
	}
	*z.bytes = T(n)
	return nil
}

func parseSize(s string) (int64, error) {
	digits, shift := s, 0
	if s != "" {
		if i := strings.IndexByte(units, s[len(s)-1]); i >= 0 {
			digits, shift = s[:len(s)-1], 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > mostBytes>>shift {
		return 0, fmt.Errorf("%q is not a size: expected bytes, or a number with K, M, G or T, such as 10M", s)
	}
	return n << shift, nil
}

// toggle is a switch, a flag that needs no value.
type toggle bool

func (b *toggle) String() string   { return strconv.FormatBool(bool(*b)) }
func (b *toggle) Type() string     { return "bool" }
func (b *toggle) IsBoolFlag() bool { return true }

func (b *toggle) Set(s string) error {
	v, err := strconv.ParseBool(s)
	if err != nil {
		return errors.New("expected true or false")
	}
	*b = toggle(v)
	return nil
}

// yesNo is a boolean as systemd writes it.
type yesNo bool

func (y *yesNo) Type() string { return "yes|no" }

func (y *yesNo) String() string {
	if *y {
		return "yes"
	}
	return "no"
}

func (y *yesNo) Set(s string) error {
	if s != "yes" && s != "no" {
		return errors.New("expected yes or no")
	}
	*y = s == "yes"
	return nil
}

// choice is one of several words.
type choice struct {
	word *string
	of   []string
}

func (c choice) Type() string { return "word" }

func (c choice) String() string {
	if c.word == nil {
		return ""
	}
	return *c.word
}

func (c choice) Set(s string) error {
	if !slices.Contains(c.of, s) {
		return errors.New("expected " + strings.Join(c.of[:len(c.of)-1], ", ") + " or " + c.of[len(c.of)-1])
	}
	*c.word = s
	return nil
}

// list is a flag that can be repeated.
type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }
func (l *list) Type() string       { return "list" }

// names are names of users, separated by commas.
type names []string

func (n *names) String() string { return strings.Join(*n, ",") }
func (n *names) Type() string   { return "names" }

func (n *names) Set(s string) error {
	words := strings.Split(s, ",")
	for _, name := range words {
		if name == "" {
			return fmt.Errorf("%q has an empty name: expected USER[,USER...]", s)
		}
	}
	*n = words
	return nil
}

// uids are numeric user ids, separated by commas.
type uids []uint32

func (u *uids) Type() string { return "uids" }

func (u *uids) String() string {
	words := make([]string, len(*u))
	for i, uid := range *u {
		words[i] = strconv.FormatUint(uint64(uid), 10)
	}
	return strings.Join(words, ",")
}

func (u *uids) Set(s string) error {
	var numbers []uint32
	for word := range strings.SplitSeq(s, ",") {
		uid, err := strconv.ParseUint(word, 10, 32)
		if err != nil || uid == 1<<32-1 { // -1 is no user's (chown(2))
			return fmt.Errorf("%q is not a user id: expected UID[,UID...]; for names use --allow-user", word)
		}
		numbers = append(numbers, uint32(uid))
	}
	*u = numbers
	return nil
}
