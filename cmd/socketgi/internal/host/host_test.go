package host

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestVersionIn(t *testing.T) {
	for text, want := range map[string]int{
		`"252.39-1~deb12u1"`: 252, `"255"`: 255, `"v256-rc3"`: 256, `"257~rc1-1.fc42"`: 257, "": 0, `""`: 0, `"next"`: 0,
	} {
		assert.Equal(t, want, versionIn(text), text)
	}
}
