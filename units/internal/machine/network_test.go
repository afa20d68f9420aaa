package machine

import (
	"errors"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestNetwork has a machine ask another one, whose network is cut meanwhile.
func TestNetwork(t *testing.T) {
	n := NewNetwork(t)
	one, other := Boot(t), Boot(t)
	n.Connect(one, "198.51.100.1")
	n.Connect(other, "198.51.100.2")
	// The exit status of curl(1): 7 without a listener, 28 without a reply.
	ask := func() int {
		_, err := one.Try("curl", "--silent", "--connect-timeout", "0.5", "http://198.51.100.2:9/")
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.ExitCode()
		}
		return 0
	}
	refused := func() error {
		if ask() != 7 {
			return errors.New("it isn't refused")
		}
		return nil
	}
	one.Wait("the other machine to refuse", refused)
	n.Cut(other)
	assert.Equal(t, 28, ask())
	n.Mend(other)
	one.Wait("the other machine to refuse again", refused)
}
