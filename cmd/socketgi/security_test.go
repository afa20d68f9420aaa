package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSecurityList compares the list of what root runs with the commands that there are.
// That it is true is for the end-to-end tests.
func TestSecurityList(t *testing.T) {
	text, err := os.ReadFile("../../.github/SECURITY.md")
	require.NoError(t, err)
	listed := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		require.Len(t, cells, 5, line)
		for _, cell := range cells {
			assert.NotEmpty(t, strings.TrimSpace(cell), line)
		}
		listed[strings.Trim(cells[0], " `")] = true
	}
	root := newCommand()
	root.InitDefaultHelpCmd()
	there := map[string]bool{}
	for _, c := range root.Commands() {
		assert.False(t, c.HasSubCommands(), "%s: its commands are to be listed, too", c.Name())
		if _, systemctl := verbs[c.Name()]; !systemctl { // these only print a message
			there[c.Name()] = true
		}
	}
	assert.Equal(t, there, listed)
}
