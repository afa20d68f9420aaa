package e2e

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/socketgi/socketgi/units"
	"github.com/socketgi/socketgi/units/internal/machine"
	"github.com/stretchr/testify/require"
)

// BenchmarkHardening measures the cost of each directive of the profiles for a connection, compared with a unit with
// User= alone, and the level of systemd-analyze security: of each directive alone, and of their sums up to the
// profiles.
//
//	SOCKETGI_SUITE=trixie go test ./units/e2e -run '^$' -bench Hardening/profiles -benchtime 100x
//
// prints a table. The service is a static C program; connections are made one at a time, in a new order in each
// round. The processor time is that of systemd and the instance together.
//
//	SOCKETGI_SUITE=trixie go test ./units/e2e -run '^$' -bench Hardening/instance -benchtime 100x
//
// measures the cost of other directives in addition to a profile.
func BenchmarkHardening(b *testing.B) {
	b.Run("profiles", func(b *testing.B) { benchHardening(b, hardeningCases()) })
	b.Run("instance", func(b *testing.B) { benchHardening(b, instanceCases()) })
}

// benchHardening compares cases with the first one.
func benchHardening(b *testing.B, cases []hardeningCase) {
	s := newBench(b)
	mounts := ordinaryMounts(s.Machine)
	s.compile("testdata/namespace.c", "/srv/namespace")
	shared, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", s.Leader))
	require.NoError(b, err)
	for i := range cases {
		cases[i].install(s, fmt.Sprintf("case%d", i))
	}
	s.Run("systemctl", "daemon-reload")
	s.Run("systemctl", "start", hardeningSlice)
	for i := range cases {
		s.Run("systemctl", "start", cases[i].name+".socket")
		cases[i].exposure = exposure(b, s.Machine, cases[i].name+"@0.service")
	}

	order := make([]int, len(cases), len(cases)+4)
	for i := range order {
		order[i] = i
	}
	order = append(order, 0, 0, 0, 0) // all are compared with the first one
	for i := range cases {
		cases[i].connect(s) // the first time fills caches
		cases[i].took, cases[i].used = nil, nil
	}
	for b.Loop() {
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, i := range order {
			cases[i].connect(s)
		}
	}
	var table strings.Builder
	base := cases[0]
	fmt.Fprintf(&table, "\n%s\n\n| %s and | exposure | ms | cpu, ms | mount namespace |\n| --- | --- | --- | --- | --- |\n", s.describe(b), base.what)
	for _, c := range cases {
		own := ""
		if c.namespace != shared {
			own = "yes"
		}
		fmt.Fprintf(&table, "| %s | %s | %.1f | %.1f | %s |\n", denied.ReplaceAllString(c.what, "$1 ..."), c.exposure,
			ms(median(c.took)-median(base.took)), ms(median(c.used)-median(base.used)), own)
	}
	fmt.Fprintf(&table, "\n%s takes %.1f ms, and %.1f of processor time; the machine has %d mounts.\n", base.what,
		ms(median(base.took)), ms(median(base.used)), mounts)
	fmt.Print(table.String()) // a benchmark's log is cut after ten lines
	b.ReportMetric(0, "ns/op")
}

// denied matches a list that is too long for a table.
var denied = regexp.MustCompile(`(SystemCallFilter=~\S+) [^` + "`" + `]*`)

// hardeningCase is a pair of units to measure.
type hardeningCase struct {
	what       string
	directives []string

	name, exposure, namespace string
	took, used                []time.Duration
}

// hardeningSlice contains all instances.
const hardeningSlice = "cases.slice"

// hardeningCases returns User= alone, with each directive in addition, and with the sums of directives.
func hardeningCases() []hardeningCase {
	cases := []hardeningCase{{what: "`User=` alone"}}
	alone := func(directives ...string) {
		cases = append(cases, hardeningCase{what: "`" + strings.Join(directives, "`, `") + "`", directives: directives})
	}
	fast, strict := (&units.Options{Profile: units.Fast}).Hardening(), (&units.Options{Profile: units.Strict}).Hardening()
	seen := map[string]bool{"SystemCallErrorNumber=EPERM": true} // without effect alone
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

// instanceCases returns the fast profile with other directives that change its cost, and the same for strict.
func instanceCases() (cases []hardeningCase) {
	add := func(profile units.Profile, more ...[]string) {
		var all []string
		for _, h := range (&units.Options{Profile: profile}).Hardening() {
			all = append(all, h.Directives...)
		}
		cases = append(cases, hardeningCase{what: "**" + string(profile) + "**", directives: all})
		for _, directives := range more {
			cases = append(cases, hardeningCase{
				what: string(profile) + " + `" + strings.Join(directives, "`, `") + "`", directives: slices.Concat(all, directives)})
		}
	}
	add(units.Fast,
		[]string{"SystemCallFilter=", "SystemCallArchitectures="}, []string{"RestrictNamespaces=no"}, []string{"RestrictSUIDSGID=no"}, // fewer lines to serialise
		[]string{"ProtectClock=no", "DevicePolicy=auto"}, []string{"NoNewPrivileges=no"},
		[]string{"ImportCredential="}, []string{"KeyringMode=inherit"}, []string{"MemoryPressureWatch=off"},
		[]string{"SetLoginEnvironment=no"}, []string{"UnsetEnvironment=LANG HOME LOGNAME USER SHELL"}, []string{"User=33", "Group=33"},
		[]string{"StandardOutput=null", "StandardError=null"}, []string{"LogLevelMax=debug"},
		[]string{"RuntimeDirectory=cases", "RuntimeDirectoryPreserve=yes"}, []string{"OOMPolicy=continue"},
		[]string{"PrivateTmp=disconnected"})
	add(units.Strict, []string{"PrivateTmp=disconnected"}, []string{"PrivateTmp=no"})
	return cases
}

// install writes the units as they are rendered, with another profile.
func (c *hardeningCase) install(s *site, name string) {
	c.name = name
	none := units.Options{Name: name, Exec: []string{"/srv/namespace"}, User: "www-data", Profile: units.None}
	pair, err := units.Render(none)
	require.NoError(s.t, err)
	service := strings.Replace(pair.Service, "Slice=system.slice\n", "Slice="+hardeningSlice+"\n", 1)
	for _, h := range none.Hardening() {
		for _, d := range h.Directives {
			service = strings.Replace(service, d+"\n", "", 1)
		}
	}
	service = strings.Replace(service, "\n[X-Socketgi]", strings.Join(c.directives, "\n")+"\n\n[X-Socketgi]", 1)
	s.Write("/etc/systemd/system/"+pair.SocketName, pair.Socket)
	s.Write("/etc/systemd/system/"+pair.ServiceName, service)
}

// connect has the service answer a connection after the end of the previous instance, and waits for the end
// of this one.
func (c *hardeningCase) connect(s *site) {
	s.quiet()
	used := func() time.Duration { return s.used("init.scope") + s.used(hardeningSlice) }
	before, start := used(), time.Now()
	conn, err := net.Dial("unix", s.Path(units.SocketPath(c.name)))
	require.NoError(s.t, err)
	defer conn.Close()
	answer, err := io.ReadAll(conn)
	c.took = append(c.took, time.Since(start))
	c.namespace = string(answer)
	require.NoError(s.t, err, c.what)
	require.True(s.t, strings.HasPrefix(c.namespace, "mnt:["), "%s: answered %q", c.what, answer)
	s.quiet()
	c.used = append(c.used, used()-before)
}

// ordinaryMounts unmounts the mounts that only a container has, because they make a mount namespace more
// expensive, and returns the number of the others.
func ordinaryMounts(m *machine.Machine) int {
	containers := regexp.MustCompile(`(?m)^\S+ \S+ \S+ \S+ ((?:/proc|/run/host)/\S+|/run/host) `)
	m.Wait("the container's own mounts to be gone", func() error {
		for _, mount := range containers.FindAllStringSubmatch(m.Run("cat", "/proc/self/mountinfo"), -1) {
			_, _ = m.Try("umount", "--lazy", mount[1]) // it may have been unmounted with another one
		}
		left := containers.FindAllString(m.Run("cat", "/proc/self/mountinfo"), -1)
		if len(left) > 0 {
			return fmt.Errorf("%q", left)
		}
		return nil
	})
	return strings.Count(m.Run("cat", "/proc/self/mountinfo"), "\n")
}
