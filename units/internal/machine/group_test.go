package machine

import (
	"fmt"
	"os"

	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTwo boots two machines at once: neither may see the other's control groups.
func TestTwo(t *testing.T) {
	group := func(m *Machine) string {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", m.Leader))
		require.NoError(t, err)
		return string(text)
	}
	assert.NotEqual(t, group(Boot(t)), group(Boot(t)))
}
