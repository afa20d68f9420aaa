package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/socketgi/socketgi/units/internal/machine"
	"github.com/stretchr/testify/require"
)

// peers are the packages that benchmarks compare this project with, and the tool that measures them.
var peers = []string{"fcgiwrap", "gunicorn", "uwsgi-core", "uwsgi-plugin-python3", "wrk"}

// newBench boots a site with more packages and a single hierarchy of control groups, as Debian boots.
func newBench(b *testing.B, packages ...string) *site {
	b.Setenv("UNIFIED_CGROUP_HIERARCHY", "1")
	return newSite(b, packages...)
}

// compile installs a C program, linked statically, as a program of the machine.
func (s *site) compile(source, program string) {
	s.t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		s.t.Skip("gcc is not installed")
	}
	file := filepath.Join(s.t.TempDir(), "program")
	out, err := exec.Command("gcc", "-static", "-O2", "-Wall", "-o", file, source).CombinedOutput()
	require.NoError(s.t, err, "%s", out)
	s.Install(file, program, 0o755)
}

// apart runs the service of name in a slice of its own, which is started before the socket.
func (s *site) apart(name string) {
	s.t.Helper()
	file := "/etc/systemd/system/" + name + "@.service"
	if _, err := os.Stat(s.Path(file)); err != nil {
		file = "/etc/systemd/system/" + name + ".service"
	}
	unit := strings.ReplaceAll(s.Run("cat", file), "Slice=system.slice\n", "")
	s.Write(file, strings.Replace(unit, "[Service]\n", "[Service]\nSlice="+name+".slice\n", 1))
	s.Run("systemctl", "daemon-reload")
	s.Run("systemctl", "start", name+".slice") // a group, and its count, would end with its last process
}

// used returns the processor time of a control group (cpu.stat, cgroup-v2). A slice includes all processes
// that ran in it. init.scope, the manager's, includes PID 1 and its new processes until they are moved to a
// group.
func (s *site) used(group string) time.Duration {
	s.t.Helper()
	stat, err := os.ReadFile(s.Path("/sys/fs/cgroup/" + group + "/cpu.stat"))
	require.NoError(s.t, err)
	m := regexp.MustCompile(`(?m)^usage_usec (\d+)$`).FindSubmatch(stat)
	require.NotNil(s.t, m, "%s", stat)
	us, err := strconv.ParseInt(string(m[1]), 10, 64)
	require.NoError(s.t, err)
	return time.Duration(us) * time.Microsecond
}

// count adds the processor time of a request to name, until its instance has ended.
func (s *site) count(f *figures, name string, request func()) {
	s.t.Helper()
	s.quiet()
	manager, application := s.used("init.scope"), s.used(name+".slice")
	request()
	s.quiet()
	manager, application = s.used("init.scope")-manager, s.used(name+".slice")-application
	f.add(name, "cpu of systemd, ms", ms(manager))
	f.add(name, "cpu of instance, ms", ms(application))
	f.add(name, "cpu, ms", ms(manager+application))
}

// quiet waits until all instances have ended.
func (s *site) quiet() {
	s.t.Helper()
	quiet(s.Machine)
}

func quiet(m *machine.Machine) {
	m.Wait("the instance to end", func() error {
		left, err := filepath.Glob(m.Path("/sys/fs/cgroup/*.slice/*@*"))
		if len(left) > 0 {
			return fmt.Errorf("%s is left", left)
		}
		return err
	})
}

// figures are the measurements of a benchmark: values of each column, for each name.
type figures struct {
	names, columns []string
	values         map[[2]string][]float64
}

func (f *figures) add(name, column string, value float64) {
	if f.values == nil {
		f.values = map[[2]string][]float64{}
	}
	if !slices.Contains(f.names, name) {
		f.names = append(f.names, name)
	}
	if !slices.Contains(f.columns, column) {
		f.columns = append(f.columns, column)
	}
	f.values[[2]string{name, column}] = append(f.values[[2]string{name, column}], value)
}

// median returns the median of a column, 0 without values.
func (f *figures) median(name, column string) float64 {
	values := slices.Sorted(slices.Values(f.values[[2]string{name, column}]))
	if len(values) == 0 {
		return 0
	}
	return values[len(values)/2]
}

// measurements is the input of units/internal/performance.
var measurements = flag.String("measurements", "", "append what benchmarks have measured to this `file`")

// print writes the medians as a line of JSON, also to the file of -measurements. part is added to the name of
// a benchmark with several tables.
func (f *figures) print(b *testing.B, s *site, part string) {
	medians := map[string]map[string]float64{}
	for key := range f.values {
		if medians[key[0]] == nil {
			medians[key[0]] = map[string]float64{}
		}
		medians[key[0]][key[1]] = f.median(key[0], key[1])
	}
	version, _, _ := strings.Cut(s.Run("systemctl", "--version"), "\n")
	line, err := json.Marshal(map[string]any{
		"Benchmark": strings.TrimPrefix(b.Name(), "Benchmark") + part, "Suite": machine.Suite(), "Rounds": b.N,
		"System": fmt.Sprintf("Debian's %s (%s)", machine.Suite(), strings.Join(strings.Fields(version)[:2], " ")),
		"Names":  f.names, "Columns": f.columns, "Medians": medians,
	})
	require.NoError(b, err)
	fmt.Printf("\n%s\n", line) // a benchmark's log is cut after ten lines
	if *measurements != "" {
		file, err := os.OpenFile(*measurements, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		require.NoError(b, err)
		_, err = fmt.Fprintf(file, "%s\n", line)
		require.NoError(b, err)
		require.NoError(b, file.Close())
	}
	b.ReportMetric(0, "ns/op")
}

// describe returns the head of a table.
func (s *site) describe(b *testing.B) string {
	version, _, _ := strings.Cut(s.Run("systemctl", "--version"), "\n")
	load, err := os.ReadFile("/proc/loadavg")
	require.NoError(b, err)
	return fmt.Sprintf("%s, %d rounds: Debian's %s, %s, load %s", b.Name(), b.N, machine.Suite(), version, strings.Fields(string(load))[0])
}

// wrkTime is the duration of each run of wrk.
var wrkTime = flag.Duration("wrk-time", time.Second, "how long each rate is measured in each round, in whole `seconds`")

// wrk runs wrk for a path, adds the rate, the latencies and the processor time of each request, and returns
// the number of requests.
func (s *site) wrk(f *figures, name, slice, path, connections string, duration time.Duration) (requests int) {
	s.t.Helper()
	const nginx = "system.slice/nginx.service"
	application, server := s.used(slice), s.used(nginx)
	out := s.Run("wrk", "-t1", "-c"+connections, fmt.Sprintf("-d%.0fs", duration.Seconds()), "--timeout", "10s", "--latency", "http://"+benchPort+path)
	application, server = s.used(slice)-application, s.used(nginx)-server
	require.NotContains(s.t, out, "Non-2xx")
	find := func(pattern string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(out)
		require.NotNil(s.t, m, "%s", out)
		return m[1]
	}
	rate, err := strconv.ParseFloat(find(`Requests/sec: +([0-9.]+)`), 64)
	require.NoError(s.t, err)
	f.add(name, connections+": requests/s", rate)
	for _, part := range []string{"50%", "99%"} {
		took, err := time.ParseDuration(find(part + ` +([0-9.]+[mu]?s)`))
		require.NoError(s.t, err)
		f.add(name, connections+": "+part+", ms", ms(took))
	}
	requests, err = strconv.Atoi(find(`(\d+) requests in`))
	require.NoError(s.t, err)
	require.NotZero(s.t, requests)
	f.add(name, connections+": cpu, µs", float64(application.Microseconds())/float64(requests))
	f.add(name, connections+": nginx, µs", float64(server.Microseconds())/float64(requests))
	return requests
}

// processes returns the processes of a unit.
func (s *site) processes(unit string) []string {
	group := strings.TrimSpace(s.Run("systemctl", "show", "-P", "ControlGroup", unit))
	return strings.Fields(s.Run("cat", "/sys/fs/cgroup"+group+"/cgroup.procs"))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}

const benchPort = "127.0.0.1:8080" // in the network namespace of the machine

// quietNginx makes nginx listen at benchPort, too, without an access log.
func (s *site) quietNginx() {
	s.t.Helper()
	s.Write("/etc/nginx/sites-enabled/default", `server {
	listen unix:`+nginxSocket+`;
	listen `+benchPort+`;
	server_name localhost;
	access_log off;
	include /etc/nginx/apps/*.conf;
}
`)
	s.Run("systemctl", "restart", "nginx")
}
