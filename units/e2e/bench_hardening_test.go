package e2e

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/socketgi/socketgi/units"
	"github.com/socketgi/socketgi/units/internal/machine"
	"github.com/stretchr/testify/require"
)

// BenchmarkHardening measures what each directive of the profiles costs a
// connection, in milliseconds over a unit with User= alone, and what systemd-analyze
// security says of it: alone, and added up to the profiles.
//
//	go test ./units/e2e -run '^$' -bench Hardening -benchtime 100x
//
// prints a table. The service is a static C program; connections are made one at a time,
// in a new order in each round.
func BenchmarkHardening(b *testing.B) {
	// As Debian boots: one hierarchy of control groups.
	b.Setenv("UNIFIED_CGROUP_HIERARCHY", "1")
	m := machine.Boot(b)
	mounts := ordinaryMounts(m)
	program := filepath.Join(b.TempDir(), "namespace")
	out, err := exec.Command("gcc", "-static", "-O2", "-o", program, "testdata/namespace.c").CombinedOutput()
	require.NoError(b, err, "%s", out)
	m.Install(program, "/srv/namespace", 0o755)
	shared, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", m.Leader))
	require.NoError(b, err)

	cases := hardeningCases()
	for i := range cases {
		cases[i].install(b, m, fmt.Sprintf("case%d", i))
	}
	m.Run("systemctl", "daemon-reload")
	for i := range cases {
		m.Run("systemctl", "start", cases[i].name+".socket")
		cases[i].exposure = exposure(b, m, cases[i].name+"@0.service")
	}

	order := make([]int, len(cases), len(cases)+4)
	for i := range order {
		order[i] = i
	}
	order = append(order, 0, 0, 0, 0) // the first is what all are compared with
	for i := range cases {
		cases[i].connect(b, m) // the first time fills caches
	}
	for b.Loop() {
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, i := range order {
			cases[i].connect(b, m)
		}
	}
	var table strings.Builder
	table.WriteString("\n| `User=` and | exposure | ms | mount namespace |\n| --- | --- | --- | --- |\n")
	base := median(cases[0].took)
	for _, c := range cases {
		own := ""
		if c.namespace != shared {
			own = "yes"
		}
		fmt.Fprintf(&table, "| %s | %s | %.1f | %s |\n", denied.ReplaceAllString(c.what, "$1 ..."), c.exposure,
			float64((median(c.took)-base).Microseconds())/1000, own)
	}
	fmt.Fprintf(&table, "\nUser= alone takes %.1f ms; the machine has %d mounts.\n", float64(base.Microseconds())/1000, mounts)
	fmt.Print(table.String()) // a benchmark's log is cut after ten lines
	b.ReportMetric(0, "ns/op")
}

// denied is a list that is too long for a table.
var denied = regexp.MustCompile(`(SystemCallFilter=~\S+) [^` + "`" + `]*`)

// hardeningCase is a unit pair to be measured.
type hardeningCase struct {
	what       string
	directives []string

	name, exposure, namespace string
	took                      []time.Duration
}

// hardeningCases is User= alone, each directive on top of that, and then what they add
// up to.
func hardeningCases() []hardeningCase {
	cases := []hardeningCase{{what: "nothing"}}
	alone := func(directives ...string) {
		cases = append(cases, hardeningCase{what: "`" + strings.Join(directives, "`, `") + "`", directives: directives})
	}
	fast, strict := (&units.Options{Profile: units.Fast}).Hardening(), (&units.Options{Profile: units.Strict}).Hardening()
	seen := map[string]bool{"SystemCallErrorNumber=EPERM": true} // nothing by itself
	for _, h := range slices.Concat(fast, strict) {
		for _, d := range h.Directives {
			if !seen[d] {
				seen[d] = true
				alone(d)
			}
			if strings.HasPrefix(d, "SystemCallFilter=") && !seen["native"] {
				seen["native"] = true
				alone("SystemCallArchitectures=native", d)
			}
		}
	}
	alone("SystemCallArchitectures=native", "SystemCallFilter=@system-service")
	alone("MemoryDenyWriteExecute=yes")
	alone("ProtectHostname=yes")
	alone("RemoveIPC=yes")
	alone("ProtectHome=yes")
	alone("ProtectKernelTunables=yes")
	alone("DynamicUser=yes")

	add := func(profile string, all []units.Group, known int) {
		var directives []string
		for i, h := range all {
			directives = append(directives, h.Directives...)
			what := "+ `" + strings.Join(h.Directives, "`, `") + "`"
			if i < known {
				continue
			}
			if i == known && i > 0 {
				what = "fast without its last, " + what
			}
			if i == len(all)-1 {
				what += " = **" + profile + "**"
			}
			cases = append(cases, hardeningCase{what: what, directives: slices.Clone(directives)})
		}
		cases = append(cases, hardeningCase{what: profile + " + `DynamicUser=yes`", directives: append(directives, "DynamicUser=yes")})
	}
	add("fast", fast, 0)
	add("strict", strict, len(fast)-1)
	return cases
}

// install writes the units as they are rendered, but for the profile.
func (c *hardeningCase) install(b *testing.B, m *machine.Machine, name string) {
	c.name = name
	none := units.Options{Name: name, Exec: []string{"/srv/namespace"}, User: "www-data", Profile: units.None}
	pair, err := units.Render(none)
	require.NoError(b, err)
	service := pair.Service
	for _, h := range none.Hardening() {
		for _, d := range h.Directives {
			service = strings.Replace(service, d+"\n", "", 1)
		}
	}
	service = strings.Replace(service, "User=www-data\n", "User=www-data\n"+strings.Join(c.directives, "\n")+"\n", 1)
	m.Write("/etc/systemd/system/"+pair.SocketName, pair.Socket)
	m.Write("/etc/systemd/system/"+pair.ServiceName, service)
}

// connect has the service answer a connection, when nothing of the one before is
// left.
func (c *hardeningCase) connect(b *testing.B, m *machine.Machine) {
	quiet(m)
	start := time.Now()
	conn, err := net.Dial("unix", m.Path(units.SocketPath(c.name)))
	require.NoError(b, err)
	defer conn.Close()
	answer, err := io.ReadAll(conn)
	c.took = append(c.took, time.Since(start))
	c.namespace = string(answer)
	require.NoError(b, err, c.what)
	require.True(b, strings.HasPrefix(c.namespace, "mnt:["), "%s: answered %q", c.what, answer)
}

// ordinaryMounts takes away what only a container has mounted, which makes a mount namespace
// dearer than it is on a machine, and returns how many mounts are left.
func ordinaryMounts(m *machine.Machine) int {
	containers := regexp.MustCompile(`(?m)^\S+ \S+ \S+ \S+ ((?:/proc|/run/host)/\S+|/run/host) `)
	m.Wait("the container's own mounts to be gone", func() error {
		for _, mount := range containers.FindAllStringSubmatch(m.Run("cat", "/proc/self/mountinfo"), -1) {
			_, _ = m.Try("umount", "--lazy", mount[1]) // it may have gone with another one
		}
		left := containers.FindAllString(m.Run("cat", "/proc/self/mountinfo"), -1)
		if len(left) > 0 {
			return fmt.Errorf("%q", left)
		}
		return nil
	})
	return strings.Count(m.Run("cat", "/proc/self/mountinfo"), "\n")
}
