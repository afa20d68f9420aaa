package e2e

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/units/internal/machine"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The addresses of the test: of nginx, of two machines with the application, and of the backup.
const (
	webAddress    = "198.51.100.1"
	firstAddress  = "198.51.100.11"
	secondAddress = "198.51.100.12"
	backupAddress = "198.51.100.13"
)

// peer is a machine with the application.
type peer struct {
	*machine.Machine
	address string
	// log is written by testdata/orders.py. It can be read when the machine is off, too.
	log *os.File
}

// noted lists the requests that have reached the application, such as "GET g7".
func (p *peer) noted() []string {
	var all []byte
	for buf := make([]byte, 1<<16); ; {
		n, err := p.log.ReadAt(buf, int64(len(all)))
		if all = append(all, buf[:n]...); err != nil {
			return strings.FieldsFunc(string(all), func(c rune) bool { return c == '\n' })
		}
	}
}

// reached returns the number of requests of the load that have reached the application.
func (p *peer) reached() (n int) {
	for _, line := range p.noted() {
		if strings.Contains(line, " load-") {
			n++
		}
	}
	return n
}

// cluster is a site whose nginx passes requests to the application on other machines.
type cluster struct {
	*site
	net                   *machine.Network
	first, second, backup *peer
}

// networkPackages are for machines that are set up by ssh, and for tunnels between them.
var networkPackages = []string{"openssh-client", "openssh-server", "stunnel4", "wireguard-go", "wireguard-tools"}

// newCluster boots four machines, and sets up three of them from the first one.
func newCluster(t *testing.T, flags string) *cluster {
	c := &cluster{site: newSite(t, networkPackages...), net: machine.NewNetwork(t)}
	c.net.Connect(c.Machine, webAddress)
	c.Run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/.ssh/id_ed25519")
	c.Write("/root/.ssh/config", "StrictHostKeyChecking accept-new\nLogLevel ERROR\n")
	key, err := os.ReadFile(c.Path("/root/.ssh/id_ed25519.pub"))
	require.NoError(t, err)
	deb := makePackage(t, "deb", "0.1.0")
	peers := []**peer{&c.first, &c.second, &c.backup}
	for i, address := range []string{firstAddress, secondAddress, backupAddress} {
		p := &peer{Machine: machine.Boot(t, networkPackages...), address: address}
		*peers[i] = p
		c.net.Connect(p.Machine, address)
		p.Write("/root/.ssh/authorized_keys", string(key))
		p.Install(deb, "/root/socketgi.deb", 0o644)
		p.Run("rm", "-f", "/var/lib/man-db/auto-update")
		p.Run("dpkg", "-i", "/root/socketgi.deb")
		p.Run("systemctl", "start", "ssh")
	}
	c.Install("testdata/orders.py", "/srv/shop/orders.py", 0o644)
	c.Install("../packaging/examples/several-machines", "/root/several-machines", 0o755)
	c.spread(flags, firstAddress, secondAddress, backupAddress)
	assert.Equal(t, "active\n", c.Run("systemctl", "-H", "root@"+firstAddress, "is-active", "shop.socket"))
	for _, p := range peers {
		(*p).log, err = os.Open((*p).Path("/var/lib/shop/requests"))
		require.NoError(t, err)
		t.Cleanup(func() { (*p).log.Close() })
	}
	return c
}

// spread installs the application on the machines with the example script of the packages.
func (c *cluster) spread(flags string, addresses ...string) string {
	c.t.Helper()
	return c.Run("env", append([]string{"FLAGS=--python /usr/bin/python3 --user www-data --state " + flags, "/root/several-machines",
		"shop", "/srv/shop/orders.py", webAddress}, addresses...)...)
}

// serveByAll makes nginx pass requests to the three, and log which one answered.
func (c *cluster) serveByAll() {
	c.t.Helper()
	args := []string{"nginx", "shop", "--timeout", "20s", "--server", firstAddress + ":9000", "--server", secondAddress + ":9000", "--backup", backupAddress + ":9000"}
	print := func(part string) string {
		out, err := c.Command("/usr/local/bin/socketgi", append(args, "--part", part)...).Output()
		require.NoError(c.t, err)
		return string(out)
	}
	upstream := print("upstream")
	if !torture() {
		upstream = strings.ReplaceAll(upstream, "fail_timeout=10s", "fail_timeout=3s")
	}
	c.Write("/etc/nginx/conf.d/shop.conf", upstream+"log_format tries '$request_method $args $status $upstream_addr; $upstream_status';\n"+
		"access_log /var/log/nginx/tries.log tries;\n")
	c.Write("/etc/nginx/apps/shop.conf", print("location"))
	c.restartNginx()
	// The text of the manual, with shorter times.
	for _, value := range []string{"keepalive_time=2", "keepalive_intvl=1", "keepalive_probes=2", "retries2=3"} {
		name, value, _ := strings.Cut(value, "=")
		c.Run("sh", "-c", "echo "+value+" > /proc/sys/net/ipv4/tcp_"+name)
	}
}

// asleep returns an error if a part of the application runs on a machine.
func (p *peer) asleep() error {
	if out, err := p.Try("pgrep", "-af", "socketgi-adapter|python3"); err == nil {
		return errors.New(out)
	}
	return nil
}

// stays checks that the third machine has received no request.
func (c *cluster) stays(when string) {
	c.t.Helper()
	assert.Zero(c.t, c.backup.reached(), "the backup is for when both others fail, and not %s", when)
	assert.NoError(c.t, c.backup.asleep(), when)
}

// serves waits until a machine serves requests again, during the load.
func (c *cluster) serves(p *peer) {
	c.t.Helper()
	before := p.reached()
	c.Wait(p.address+" to serve", func() error {
		if p.reached() <= before+3 {
			return errors.New("no requests have come")
		}
		return nil
	})
}

// TestSeveralMachines sends requests through nginx to an application on three machines, which fail in every
// way: no GET is lost, no POST is done twice, and the backup runs only while both others fail.
func TestSeveralMachines(t *testing.T) {
	modes := map[string]string{"warm": "--accept no --workers 4 --idle-exit 2s"}
	if torture() {
		modes["cold"] = "--concurrency 4"
	}
	for name, flags := range modes {
		t.Run(name, func(t *testing.T) {
			flags += " --queue-timeout 1s --timeout 20s"
			c := newCluster(t, flags)
			again := c.spread(flags, firstAddress, backupAddress)
			assert.Equal(t, 2, strings.Count(again, "the units exist and are unchanged"), again)
			assert.Contains(t, again, "On 198.51.100.1: socketgi nginx shop --server 198.51.100.11:9000 --server 198.51.100.13:9000\n")
			c.serveByAll()
			c.Wait("the backup to sleep", c.backup.asleep)
			l := c.load()
			t.Cleanup(func() { l.end() })
			c.serves(c.first)
			c.serves(c.second)
			c.stays("while nothing is wrong")
			c.upgrade()
			c.fill(l)
			c.cut(l)
			c.powerOff(l)
			l.end()
			c.judge(l)
		})
	}
}

// upgrade upgrades one machine.
func (c *cluster) upgrade() {
	c.t.Helper()
	c.second.Install(makePackage(c.t.(*testing.T), "deb", "0.1.1"), "/root/new.deb", 0o644)
	c.second.Run("apt-get", "install", "--yes", "/root/new.deb")
	assert.Contains(c.t, c.second.Run("socketgi", "--version"), "socketgi 0.1.1\n")
	c.serves(c.second)
	c.stays("while one is upgraded")
}

// fill takes all slots of one machine.
func (c *cluster) fill(l *load) {
	c.t.Helper()
	const hold = "/var/lib/shop/hold"
	c.second.Write(hold, "")
	request, err := scgi.AppendRequest(nil, 0, []scgi.Header{{Name: "REQUEST_METHOD", Value: "GET"}, {Name: "DOCUMENT_URI", Value: "/slow"},
		{Name: "REQUEST_URI", Value: "/slow"}, {Name: "QUERY_STRING", Value: "holds"}, {Name: "HTTP_HOST", Value: "h"}})
	require.NoError(c.t, err)
	c.Wait("all places to be taken", func() error {
		if n := len(slices.DeleteFunc(c.second.noted(), func(s string) bool { return s != "GET holds" })); n < 4 {
			conn, err := c.Dial(webAddress, c.second.address+":9000")
			require.NoError(c.t, err)
			c.t.Cleanup(func() { conn.Close() })
			_, err = conn.Write(request)
			require.NoError(c.t, err)
			return fmt.Errorf("%d of 4", n)
		}
		return nil
	})
	c.Wait("GETs to have come from a full machine to another", func() error { return c.logged(`^GET \S+ 200 [^;]*; 503, 200$`) })
	c.Wait("a POST to have been refused, as it was sent", func() error { return c.logged(`^POST \S+ 503 [^;]*; 503$`) })
	c.stays("while one is full")
	c.second.Run("rm", hold)
	c.serves(c.second)
}

// logged looks for a line in nginx's log.
func (c *cluster) logged(pattern string) error {
	log, err := os.ReadFile(c.Path("/var/log/nginx/tries.log"))
	if err == nil && !regexp.MustCompile("(?m)"+pattern).Match(log) {
		err = errors.New("nothing logged is like " + pattern)
	}
	return err
}

// cut drops the packets of one machine, which has begun a GET and a POST.
func (c *cluster) cut(l *load) {
	c.t.Helper()
	const hold = "/var/lib/shop/hold"
	c.first.Write(hold, "")
	for _, method := range []string{"GET", "POST"} {
		l.begin(c, method, c.first)
	}
	c.net.Cut(c.first.Machine)
	c.Wait("POSTs to have come from a silent machine to another", func() error { return c.logged(`^POST \S+ 200 [^;]*; 50[24], 200$`) })
	c.Wait("GETs that it had begun to have come to another", func() error { return c.logged(`^GET load-slow-\S+ 200 [^;]*; 50[24], 200$`) })
	c.stays("while one is cut off")
	c.first.Run("rm", hold)
	c.net.Mend(c.first.Machine)
	c.serves(c.first)
}

// powerOff powers off one machine, and then cuts off the other one: now the backup is needed.
func (c *cluster) powerOff(l *load) {
	c.t.Helper()
	_, _ = c.first.Try("systemctl", "poweroff")
	c.Wait("the machine to be off", func() error {
		if err := syscall.Kill(c.first.Leader, 0); err == nil {
			return errors.New("it runs")
		}
		return nil
	})
	c.serves(c.second)
	c.stays("while one is off")
	c.net.Cut(c.second.Machine)
	c.serves(c.backup)
	c.net.Mend(c.second.Machine)
	c.serves(c.second)
	c.Wait("the backup to sleep again", c.backup.asleep)
	before := c.backup.reached()
	c.serves(c.second)
	assert.Equal(c.t, before, c.backup.reached())
}

// judge compares the clients' responses with the requests that the machines have processed.
func (c *cluster) judge(l *load) {
	done := map[string]int{}
	for _, p := range []*peer{c.first, c.second, c.backup} {
		for _, line := range p.noted() {
			done[line]++
		}
	}
	assert.Empty(c.t, l.lost, "GETs")
	for name, status := range l.posts {
		n := done["POST "+name]
		assert.LessOrEqual(c.t, n, 1, "%s is done twice", name)
		if status == 200 {
			assert.Equal(c.t, 1, n, name)
		} else {
			assert.Contains(c.t, []int{502, 504}, status, name)
		}
	}
	log, err := os.ReadFile(c.Path("/var/log/nginx/tries.log"))
	require.NoError(c.t, err)
	kinds := map[string]int{}
	for line := range strings.Lines(string(log)) {
		if f := strings.Fields(line); len(f) > 2 && strings.HasPrefix(f[1], "load-") {
			_, tries, _ := strings.Cut(line, "; ")
			kinds[f[0]+" "+strings.TrimSpace(tries)]++
		}
	}
	c.t.Logf("%d GETs, %d POSTs, by what the machines answered: %v", l.gets, len(l.posts), kinds)
}
