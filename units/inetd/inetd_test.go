package inetd

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/units"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// importer knows a few ports, and that all of /scripts uses inetd_scgi.
func importer() *Importer {
	return &Importer{
		Services: "# comment\nssh 22/tcp\ntime 37/udp timserver # a comment\nftp\t21/tcp\npop3 110/tcp pop-3\nzero 0/tcp\n",
		Script: func(path string) (string, error) {
			if strings.HasPrefix(path, "/scripts/") {
				return "import inetd_scgi", nil
			}
			return "", errors.New("no such file")
		},
		Application: func(o *units.Options, p Program) ([]string, error) {
			o.Exec, o.App = []string{"/a/socketgi-adapter", p.Script}, p.Script
			if p.CGI != nil {
				o.Exec, o.App = append([]string{"/a/socketgi-adapter", "--cgi"}, p.CGI...), strings.Join(p.CGI, " ")
			}
			return []string{fmt.Sprintf("runs by the adapter, at most %d at once", p.Max)}, nil
		},
	}
}

// TestImport has for each entry the lines that its units have, those that they don't
// have (!), and what its notes say (>).
func TestImport(t *testing.T) {
	xinetd := func(name, attributes string) string {
		return "defaults\n{\n}\nservice " + name + "\n{\nwait = no\nsocket_type = stream\nuser = u\nserver = /bin/x\n" + attributes + "\n}\n"
	}
	for name, c := range map[string]struct{ text, want string }{
		"plain": {"ftp stream tcp nowait root /usr/sbin/in.ftpd in.ftpd -l",
			"# inetd-ftp.socket: a service of inetd.|ListenStream=0.0.0.0:21|Accept=yes|MaxConnections=1024|TriggerLimitIntervalSec=0|" +
				"ExecStart=/usr/sbin/in.ftpd -l|User=root|StandardInput=socket|StandardOutput=socket|StandardError=journal|!Group=root"},
		"alias and user.group":     {"pop-3 stream tcp4 nowait mail.pop /x x", "ListenStream=0.0.0.0:110|User=mail|Group=pop|>user mail and group pop"},
		"IPv6":                     {"22 stream tcp6 nowait u:g/daemon /x x", "ListenStream=[::]:22|BindIPv6Only=ipv6-only|Group=g|>login class daemon"},
		"both":                     {"22 stream tcp46 nowait u /x x", "ListenStream=22|BindIPv6Only=both"},
		"address":                  {"192.0.2.1,[2001:db8::1]:22 stream tcp nowait u /x x", "ListenStream=192.0.2.1:22|ListenStream=[2001:db8::1]:22|FreeBind=yes"},
		"address for those below":  {"localhost:\nssh stream tcp nowait u /x x", "ListenStream=127.0.0.1:22|!FreeBind=yes"},
		"host name":                {"www.example.com:22 stream tcp nowait u /x x", `>"www.example.com" is not an IP address`},
		"FreeBSD's limits":         {"22 stream tcp nowait/4/5/6 u /x x", "MaxConnections=4|MaxConnectionsPerSource=6|>per minute: 5|>more than 4 connections"},
		"no limit":                 {"22 stream tcp nowait/0 u /x x", "MaxConnections=1024"},
		"OpenBSD's limit":          {"22 stream tcp nowait.4 u /x x", "MaxConnections=4|>limited starts to 4 within a minute"},
		"NetBSD's limits":          {"22 stream,7:dataready tcp,rcvbuf=64k nowait:40 u /x x", "MaxConnections=40|>accept filter dataready|>rcvbuf=64k"},
		"unix":                     {":www:web:200:/var/run/a.sock stream unix nowait u /x x", "# inetd-a.socket: a service of inetd.|ListenStream=/run/a.sock|SocketUser=www|SocketGroup=web|SocketMode=0200|RemoveOnStop=yes|>/var/run"},
		"unix without an owner":    {"/srv/100%.sock stream unix nowait u /x x", "ListenStream=/srv/100%%.sock|SocketUser=root|SocketMode=0200|>only root"},
		"path with a line":         {`"/srv/a\" stream unix nowait u /x x`, ">can't be a socket"},
		"other argv[0]":            {"22 stream tcp nowait u /bin/busybox ftpd 'a b' $HOME %n", `ExecStart=@/bin/busybox ftpd "a b" $$HOME %%n`},
		"continued":                {"22 stream tcp nowait u /bin/x x\n\t-a\n  # no\n -b", "ExecStart=/bin/x -a -b|>read as a comment"},
		"tcpd":                     {"22 stream tcp nowait u /usr/libexec/tcpd in.ftpd -l", "ExecStart=/usr/libexec/in.ftpd -l|>hosts.allow and hosts.deny have no effect"},
		"tcpd with a path":         {"22 stream tcp nowait u /usr/sbin/tcpd /opt/ftpd -l", "ExecStart=/opt/ftpd -l"},
		"wait":                     {"22 stream tcp wait.9 u /x x", "Accept=no|TriggerLimitIntervalSec=60|TriggerLimitBurst=9|StartLimitIntervalSec=0|# inetd-22.service: started by inetd-22.socket.|>ten minutes"},
		"datagrams":                {"timserver dgram udp nowait u /x x", "ListenDatagram=0.0.0.0:37|Accept=no|StandardInput=socket|KillMode=process|>gets the socket itself"},
		"internal":                 {"echo stream tcp nowait root internal", ">no units: echo was internal to inetd"},
		"rpc":                      {"rstatd/1-3 dgram rpc/udp wait root /x x", ">no units: systemd doesn't register with rpcbind"},
		"tcpmux":                   {"tcpmux/+date stream tcp nowait u /x x", ">no units: systemd has no TCPMUX"},
		"raw":                      {"1 raw icmp wait u /x x", ">no units: systemd doesn't listen on sockets of type raw"},
		"unknown service":          {"nosuch stream tcp nowait u /x x", ">nosuch/tcp is not in /etc/services"},
		"port 0":                   {"zero stream tcp nowait u /x x", ">zero/tcp is not in /etc/services"},
		"short":                    {"ftp stream tcp", ">got 3"},
		"bad wait":                 {"22 stream tcp never u /x x", ">never is neither wait nor nowait"},
		"key = value":              {"22 on protocol = tcp, exec = /x;", ">NetBSD's key = value form"},
		"off":                      {"#<off># ftp stream tcp nowait root /x x", ">disabled by #<off>#"},
		"IPsec":                    {"#@ ipsec ah/require", ">IPsec"},
		"bad user":                 {"22 stream tcp nowait u%i /x x", ">not the name of a user"},
		"relative":                 {"22 stream tcp nowait u x x", ">not the absolute path"},
		"CGI":                      {":www:www:200:/run/hello.sock stream unix nowait/4 www:web /bin/scgi_run scgi_run /cgi/hello.cgi -a", "# hello.socket: systemd listens, accepts, and starts hello@.service for each connection.|ListenStream=/run/hello.sock|SocketUser=www|SocketGroup=www|SocketMode=0200|MaxConnections=4|ExecStart=/a/socketgi-adapter --cgi /cgi/hello.cgi -a|User=www|Group=web|>at most 4 at once"},
		"CGI at all addresses":     {"9000 stream tcp nowait www /bin/scgi_run scgi_run /cgi/hello.cgi", "ListenStream=127.0.0.1:9000|ExecStart=/a/socketgi-adapter --cgi /cgi/hello.cgi|IPAddressAllow=localhost|>listens at 127.0.0.1:9000 only"},
		"CGI without a program":    {"9000 stream tcp nowait www /bin/scgi_run scgi_run", ">needs the absolute path"},
		"WSGI":                     {"/run/w.sock stream unix nowait www /usr/bin/python python -u /scripts/w.py x", "ExecStart=/a/socketgi-adapter /scripts/w.py|>no arguments: -u x"},
		"WSGI by #!":               {"/run/w.sock stream unix nowait www /scripts/w.py w.py", "ExecStart=/a/socketgi-adapter /scripts/w.py"},
		"other Python":             {"/run/w.sock stream unix nowait www /usr/bin/python3 python3 /other/w.py", "ExecStart=/usr/bin/python3 /other/w.py|>can't be read: if it uses inetd_scgi"},
		"xinetd":                   {xinetd("ftp", "server_args = -l %h\nflags = IPv4 KEEPALIVE NODELAY REUSE LABELED"), "ListenStream=0.0.0.0:21|ExecStart=/bin/x -l %%h|User=u|KeepAlive=yes|NoDelay=yes|SELinuxContextFromNet=yes"},
		"xinetd's limits":          {xinetd("ftp", "instances = 7\nper_source = 2\ncps = 50 10\nnice = -3\numask = 077\nrlimit_as = 8M\nrlimit_cpu = UNLIMITED"), "MaxConnections=7|MaxConnectionsPerSource=2|TriggerLimitIntervalSec=1s|TriggerLimitBurst=50|Nice=-3|UMask=077|LimitAS=8M|LimitCPU=infinity|>cps = 50 10"},
		"xinetd's environment":     {xinetd("ftp", `env = A=%n B="x`+"\nenv += C=$d\npassenv = TZ\ngroup = g"), `Environment=A=%%n "B=\"x" C=$d|PassEnvironment=TZ|Group=g`},
		"xinetd's addresses":       {xinetd("ftp", "port = 2121\nbind = 192.0.2.1\nonly_from = 10.0.0.0 192.0.2.{1,3} localhost .example.com\nno_access = 10.128.0.0/9 a.example.org"), "ListenStream=192.0.2.1:2121|IPAddressDeny=any|IPAddressAllow=10.0.0.0/9 192.0.2.1/32 192.0.2.3/32 127.0.0.1/32 ::1/128|>.example.com: systemd filters|>a.example.org: systemd filters"},
		"xinetd for nobody":        {xinetd("ftp", "only_from ="), "IPAddressDeny=any"},
		"xinetd not for some":      {xinetd("ftp", "no_access = 10.1.0.0"), "IPAddressDeny=10.1.0.0/16"},
		"xinetd's NAMEINARGS":      {xinetd("ftp", "flags = NAMEINARGS\nserver_args = y -l"), "ListenStream=21|ExecStart=@/bin/x y -l"},
		"xinetd's defaults":        {"defaults\n{\ninstances = 5\nonly_from = 10.0.0.1\nonly_from = 10.0.0.2\nbanner = /b\n}\n" + strings.TrimPrefix(xinetd("ftp", "only_from += 10.0.0.3\nonly_from -= 10.0.0.2"), "defaults\n{\n}\n"), "MaxConnections=5|IPAddressAllow=10.0.0.1/32 10.0.0.3/32|>defaults: banner = /b"},
		"xinetd twice":             {xinetd("ftp", "server = /bin/y"), "ExecStart=/bin/x|>server is given twice"},
		"xinetd disabled":          {xinetd("ftp", "disable = yes"), ">no units: it is disabled"},
		"xinetd internal":          {xinetd("echo", "type = INTERNAL"), ">this was internal to xinetd"},
		"xinetd passing on":        {xinetd("ftp", "redirect = 10.0.0.1 21"), ">systemd-socket-proxyd(8)"},
		"xinetd what can't be":     {xinetd("ftp", "access_times = 2:00-3:00\nfoo = bar\nflags = INTERCEPT"), ">access_times = 2:00-3:00|>foo = bar: xinetd.conf(5) has no such|>flag INTERCEPT"},
		"xinetd bad line":          {xinetd("ftp", "nonsense"), `>"nonsense" is not KEY = VALUE`},
		"xinetd without an end":    {"service ftp\n{\n", ">missing }|>no defaults"},
		"xinetd includes":          {"includedir /etc/xinetd.d\n", ">not followed"},
		"xinetd bad variable":      {xinetd("ftp", "passenv = a%b"), ">not the name of a variable"},
		"xinetd bad number":        {xinetd("ftp", "nice = low"), ">nice = low is not a number"},
		"xinetd without a service": {"service x\n{\n}\nfoo\n", ">outside of a service: foo"},
	} {
		t.Run(name, func(t *testing.T) {
			pairs, notes := importer().Import(c.text)
			var text, said string
			for _, p := range pairs {
				text += p.Socket + p.Service
			}
			for _, n := range notes {
				said += n.Text + "\n"
				_, note, _ := strings.Cut(n.Text, ": ")
				assert.Equal(t, n.InUnit, strings.Contains(text, "# Note: "+note+"\n"), n.Text)
			}
			for want := range strings.SplitSeq(c.want, "|") {
				if note, found := strings.CutPrefix(want, ">"); found {
					assert.Contains(t, said, note)
				} else if line, found := strings.CutPrefix(want, "!"); found {
					assert.NotContains(t, text, "\n"+line+"\n")
				} else {
					assert.Contains(t, "\n"+text, "\n"+want+"\n")
				}
			}
		})
	}
}

// TestImportAlone has an importer that knows of no applications: their lines are plain services.
func TestImportAlone(t *testing.T) {
	pairs, notes := (&Importer{}).Import(":u:g:200:/run/w.sock stream unix nowait www /bin/scgi_run scgi_run /cgi\n:u:g:200:/run/v.sock stream unix nowait www /scripts/v.py v.py\n")
	require.Len(t, pairs, 2, "%v", notes)
	assert.Contains(t, pairs[0].Service, "\nExecStart=/bin/scgi_run /cgi\n")
	assert.Contains(t, pairs[1].Service, "\nExecStart=/scripts/v.py\n")
}

// TestImportNames has names that are taken, and that no unit can have.
func TestImportNames(t *testing.T) {
	pairs, notes := importer().Import("ssh stream tcp nowait u /x x\nssh stream tcp6 nowait u /x x\n" +
		"/run/a/w.sock stream unix nowait u /bin/scgi_run scgi_run /cgi\n/run/b/w.sock stream unix nowait u /bin/scgi_run scgi_run /cgi\n" +
		"/run/.ä.sock stream unix nowait u /bin/scgi_run scgi_run /cgi\n")
	require.Len(t, pairs, 5, "%v", notes)
	var names []string
	for _, p := range pairs {
		names = append(names, p.SocketName)
	}
	assert.Equal(t, []string{"inetd-ssh.socket", "inetd-ssh-2.socket", "w.socket", "w-2.socket", "service.socket"}, names)
}

var unitLine = regexp.MustCompile(`^(|# .*|\[(Unit|Socket|Service|Install|X-Socketgi)\]|(Description|ConditionFileIsExecutable|Listen(Stream|Datagram|SequentialPacket)|` +
	`Socket(User|Group|Mode)|Accept|(Max|Trigger|Start|Limit|IPAddress|Standard|Cache|Runtime|LogLevel|OOM|KeepAlive|NoDelay)[A-Za-z]*|RemoveOnStop|FreeBind|` +
	`BindIPv6Only|SELinuxContextFromNet|WantedBy|CollectMode|DefaultDependencies|Conflicts|Before|ExecStart|User|Group|KillMode|Nice|UMask|` +
	`Environment|PassEnvironment|WorkingDirectory|NoNewPrivileges|CapabilityBoundingSet|(SystemCall|Restrict|Protect|Lock|Device|Bind)[A-Za-z]*|TimeoutStopSec|Slice|SyslogLevel|Application)=([^\x00-\x1f]*[^\\\x00-\x1f])?)$`)

// FuzzImport checks that nothing in a file ends a line of a unit or begins one, and
// that an entry has units or a note.
func FuzzImport(f *testing.F) {
	f.Add("ftp stream tcp nowait root /usr/sbin/in.ftpd in.ftpd -l\n\t'a b'\n")
	f.Add(":www:www:200:/var/run/a%.sock stream unix nowait/4/3/2 www.x/y /bin/scgi_run scgi_run /cgi/hello.cgi\\\n")
	f.Add("/run/w.sock stream unix nowait www /scripts/a\x01b\\ x\r\n")
	f.Add("defaults\n{\nonly_from = 10.0.0.0\n}\nservice ftp\n{\nwait = no\nsocket_type = stream\nuser = u\nserver = /x\nno_access = 10.1.2.3 ::/1\n" +
		"env = A=b\\\nserver_args = \x85 \"\numask = 022\n}\n")
	f.Fuzz(func(t *testing.T, text string) {
		pairs, notes := importer().Import(text)
		for _, p := range pairs {
			for line := range strings.SplitSeq(p.Socket+p.Service, "\n") {
				require.Regexp(t, unitLine, line)
			}
			require.NoError(t, units.CheckName(strings.TrimSuffix(p.SocketName, ".socket")))
		}
		for _, n := range notes {
			require.NotContains(t, n.Text, "\n")
		}
		begun := 0
		for line := range strings.Lines(text) {
			words := strings.FieldsFunc(strings.TrimRight(line, "\r\n"), func(c rune) bool { return c == ' ' || c == '\t' })
			if !strings.ContainsAny(line[:1], " \t#'\"") && len(words) > 1 {
				begun++
			}
		}
		require.True(t, isXinetd(text) || len(pairs)+len(notes) >= begun, "something is dropped in silence")
	})
}
