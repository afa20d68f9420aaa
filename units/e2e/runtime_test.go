package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/socketgi/socketgi/units/internal/machine"
	"github.com/stretchr/testify/require"
)

// inImage runs a program with this repository, read-only, in a temporary copy of an image.
const inImage = `set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
mkdir "$1/root/repository" "$1/root/programs"
mount --bind -o ro "$3" "$1/root/repository"
mount --bind -o ro "$4" "$1/root/programs"
mount --rbind /proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount --rbind /sys "$1/root/sys"
root=$1
shift 4
exec chroot "$root/root" env "$@"
`

// runtimeTests are the tests of the runtime, by package.
var runtimeTests = map[string]string{
	"cmd/socketgi-adapter":      "^Test(Applications|Cache|CacheLeft|Close|Ending|Environ|Headers|ImportCache|Input|Names|PackageFile|Print|Responses|Spec|Warm.*)$",
	"scgi/wsgi/internal/worker": "^TestASGI",
}

// TestRuntime runs the adapter's own tests with the Python of the newer images, and checks the runtime for
// features that future versions of Python remove.
func TestRuntime(t *testing.T) {
	machine.Need(t)
	if machine.Suite() == machine.Suites[0] {
		return // the tests of the adapter have this Python
	}
	for pkg := range runtimeTests {
		build := exec.Command("go", "test", "-c", "-o", filepath.Join(bin, filepath.Base(pkg)+".test"), "../../"+pkg)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		out, err := build.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	repository, err := filepath.Abs("../..")
	require.NoError(t, err)
	for _, suite := range []string{machine.Suite(), machine.Testing} {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			image, err := machine.Image(suite)
			require.NoError(t, err)
			for pkg, tests := range runtimeTests {
				cmd := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c", inImage, "sh", t.TempDir(), image, repository, bin,
					"--chdir=/repository/"+pkg, "HOME=/root", "TMPDIR=/tmp", "SOCKETGI_PYTHONS=/usr/bin/python3", "PYTHONDONTWRITEBYTECODE=1",
					"PYTHONWARNINGS=error::DeprecationWarning", "/programs/"+filepath.Base(pkg)+".test", "-test.parallel", "4", "-test.run", tests)
				out, err := cmd.CombinedOutput()
				require.NoError(t, err, "%s", out)
			}
		})
	}
}
