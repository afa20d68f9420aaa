package machine

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReadmeInstall checks the commands of the README's section Install, which need the network: the
// packages exist, because images contain them or apt knows them; the clone is of this module; and make has
// the targets.
func TestReadmeInstall(t *testing.T) {
	const repository = "../../../"
	read := func(name string) string {
		text, err := os.ReadFile(repository + name)
		require.NoError(t, err)
		return string(text)
	}
	_, section, ok := strings.Cut(read("README.md"), "\n## Install\n")
	require.True(t, ok)
	section, _, _ = strings.Cut(section, "\n## ")

	apt := regexp.MustCompile(`(?m)^    sudo apt install -y (.+)$`).FindStringSubmatch(section)
	require.NotNil(t, apt)
	for _, name := range strings.Fields(apt[1]) {
		if slices.Contains(packages, name) {
			continue
		}
		out, err := exec.Command("apt-cache", "pkgnames", name).Output()
		if err != nil || len(out) == 0 && noLists() {
			t.Logf("%s was not checked: there is no apt-cache with lists", name)
			continue
		}
		assert.Contains(t, strings.Fields(string(out)), name, "apt has no such package")
	}

	clone := regexp.MustCompile(`(?m)^    git clone https://(\S+)\n    cd (\S+)\n`).FindStringSubmatch(section)
	require.NotNil(t, clone)
	assert.Contains(t, read("go.mod"), "module "+clone[1]+"\n")
	assert.Equal(t, clone[1][strings.LastIndexByte(clone[1], '/')+1:], clone[2])

	targets := regexp.MustCompile(`(?:^    (?:sudo )?|`+"`"+`(?:sudo )?)make( [a-z]+)?`).FindAllStringSubmatch(section, -1)
	require.NotEmpty(t, targets)
	for _, m := range targets {
		if target := strings.TrimSpace(m[1]); target != "" {
			assert.Regexp(t, `(?m)^([a-z]+ )*`+target+`( [a-z]+)*:`, read("Makefile"), "make has no such target")
		}
	}
}

// noLists reports whether apt has no lists of packages.
func noLists() bool {
	out, err := exec.Command("apt-cache", "pkgnames", "make").Output()
	return err != nil || len(out) == 0
}
