package doctor

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFeatures(t *testing.T) {
	const compiled = "+PAM -SELINUX +APPARMOR +SECCOMP -BPF_FRAMEWORK default-hierarchy=unified"
	assert.Equal(t, "252.1, answers, seccomp, apparmor, control groups v2, favordynmods", features("252.1", "answers", compiled,
		"30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate,favordynmods\n"))
	assert.Equal(t, "239, doesn't answer, control groups v1 and v2", features("239", "doesn't answer", "",
		"31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n33 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"))
	assert.Equal(t, "239, answers, control groups v1", features("239", "answers", "", ""))
}
