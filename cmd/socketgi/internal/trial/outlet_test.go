package trial

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOutlet(t *testing.T) {
	for name, c := range map[string]struct {
		written []string
		want    string
	}{
		"nothing": {nil, ""},
		"a word":  {[]string{"one", " and more\n"}, "one and more"},
		"whole":   {[]string{strings.Repeat("x", mostSaid)}, strings.Repeat("x", mostSaid)},
		"more": {[]string{strings.Repeat("y", 100), strings.Repeat("x", mostSaid)},
			fmt.Sprintf("... (the last %d bytes; 100 bytes before them are omitted)\n", mostSaid) + strings.Repeat("x", mostSaid)},
		"far more": {[]string{strings.Repeat("y", 50<<20), "the end"}, fmt.Sprintf("... (the last %d bytes; %d bytes before them are omitted)\n", mostSaid, 50<<20+7-mostSaid) +
			strings.Repeat("y", mostSaid-7) + "the end"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			o, err := newOutlet(dir)
			require.NoError(t, err)
			for _, text := range c.written { // each by another process
				f, err := os.OpenFile(o.path, os.O_WRONLY, 0)
				require.NoError(t, err)
				_, err = f.WriteString(text)
				require.NoError(t, err)
				require.NoError(t, f.Close())
			}
			assert.Equal(t, c.want, o.said())
			o.close()
			left, err := os.ReadDir(dir)
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

// TestOutletHeld has a process keep the other end, and continue writing.
func TestOutletHeld(t *testing.T) {
	o, err := newOutlet(t.TempDir())
	require.NoError(t, err)
	f, err := os.OpenFile(o.path, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer f.Close()
	_, err = f.WriteString("before")
	require.NoError(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for err := error(nil); err == nil; _, err = f.Write(make([]byte, 4096)) {
		}
	}()
	o.said()
	<-ended // by an error
}
