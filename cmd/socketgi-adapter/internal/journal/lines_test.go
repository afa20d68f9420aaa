package journal

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestLines(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for _, c := range []struct {
		writes []string
		want   []string
		left   int64
	}{
		{[]string{"a\nb\n"}, []string{"a", "b"}, 0},
		{[]string{"a", "b\nc", "", "d"}, []string{"ab", "cd"}, 0},
		{[]string{"a\r\n\n\nb\r", "\n"}, []string{"a", "b"}, 0},
		{[]string{long + "yy\nz"}, []string{long, "yy", "z"}, 0},
		{[]string{long[1:], "x", "yy\nz"}, []string{long, "yy", "z"}, 0},
		{[]string{long + long, "\n"}, []string{long, long}, 0},
		{[]string{"a\n", "\n", "b\n", long, long}, []string{"a", "b", long}, maxLine + 1},
		{[]string{long, long, long, "a\nb\n"}, []string{long, long}, maxLine + 5},
	} {
		var got []string
		l := &lines{most: 2*maxLine + 3*lineCost, line: func(b []byte) { got = append(got, string(b)) }}
		for _, w := range c.writes {
			n, err := l.Write([]byte(w))
			assert.NoError(t, err)
			assert.Equal(t, len(w), n)
		}
		l.end()
		assert.Equal(t, c.want, got)
		assert.Equal(t, c.left, l.left)
	}
}
