package machine

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestBoot(t *testing.T) {
	m := Boot(t)
	assert.Equal(t, "1\n", m.Run("sh", "-c", "pidof systemd | tr ' ' '\n' | grep -x 1"))
	assert.Contains(t, m.Run("journalctl", "-n", "1", "--no-pager"), " ")
}
