package units

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"
)

// LocationOptions describe the configuration of [Apache] and [Lighttpd]. Name is required; the zero value
// of every other field is its default.
type LocationOptions struct {
	// Name is the name of the application; see [CheckName].
	Name string
	// Mount is the prefix of its paths; see [CheckMount]. Default: all of the server.
	Mount string
	// Listen is the application's address: an absolute path, or ADDRESS:PORT. Default [SocketPath].
	Listen string
	// Timeout limits the time until the response begins, including the wait in the queue. Apache waits
	// 15 seconds longer, by default a day; lighttpd has no timeout.
	Timeout time.Duration
	// Static are the files that the web server itself serves.
	Static []NginxStatic
	// File is the absolute path of a regular file of this application only, which Apache's user may
	// look up. Its contents are not read. Default: the unit of its socket in /etc/systemd/system.
	File string
}

// prepare sets the defaults, and returns an error for an invalid option.
func (o *LocationOptions) prepare(server string) error {
	if err := asOption("Name", CheckName(o.Name)); err != nil {
		return err
	}
	if o.Listen == "" {
		o.Listen = SocketPath(o.Name)
	} else if err := asOption("Listen", checkPlace(o.Listen)); err != nil {
		return err
	}
	if strings.ContainsAny(o.Listen, " \t\r\n\x00<>|{}\"'$\\#%") {
		return optionError("Listen", "%s can't use the path %s: choose one without blanks and quotes", server, o.Listen)
	}
	if o.File == "" {
		o.File = "/etc/systemd/system/" + o.Name + ".socket"
	} else if !path.IsAbs(o.File) || strings.ContainsAny(o.File, "\t\r\n\x00\"\\$%*?[") {
		return optionError("File", "%s can't use the path %q: choose a plain absolute path", server, o.File)
	}
	if err := asOption("Mount", CheckMount(o.Mount)); err != nil {
		return err
	}
	o.Mount = strings.TrimRight(o.Mount, "/")
	seen := map[string]string{}
	for i, s := range o.Static {
		if err := s.check(o.Mount); err != nil {
			return asOption("Static", err)
		}
		url := strings.TrimRight(s.URL, "/")
		if dir, twice := seen[url]; twice {
			return optionError("Static", "%s is given twice, for %s and %s", s.URL, dir, s.Dir)
		}
		seen[url] = s.Dir
		o.Static[i] = NginxStatic{url + "/", strings.TrimRight(s.Dir, "/") + "/"}
		if strings.ContainsAny(s.Dir, "\"\\%") {
			return optionError("Static", "%s can't use the path %q: choose one without quotes and percent signs", server, s.Dir)
		}
	}
	return nil
}

// Apache renders the configuration for Apache 2.4 (mod_proxy_scgi). The error is an [*OptionError].
func Apache(o LocationOptions) (string, error) {
	if err := o.prepare("Apache"); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# %[1]s: put this into a <VirtualHost> of Apache, or into a file for all of them,
# /etc/apache2/conf-available/%[1]s.conf, and then: a2enmod proxy proxy_scgi && a2enconf %[1]s
# The first matching Alias is used: put longer prefixes first.
`, o.Name)
	for _, s := range o.Static {
		fmt.Fprintf(&b, "# Files that Apache itself serves; its user must be able to read them.\n"+
			"Alias \"%s\" \"%s\"\n<Directory \"%[2]s\">\n    Require all granted\n</Directory>\n", s.URL, s.Dir)
	}
	worker := "scgi://" + o.Listen + "/"
	if isPath(o.Listen) {
		worker = "unix:" + o.Listen + "|scgi://" + o.Name + ".socketgi/"
	}
	fmt.Fprintf(&b, `# Apache splits a path behind a regular file into SCRIPT_NAME and PATH_INFO.
AliasMatch "^%s(/.*)?$" "%s$1"
<Directory "%s">
    <Files "%s">
        Require all granted
        # Apache distinguishes sockets by the name in scgi://, which is the application's.
        SetHandler "proxy:%s"
        # Passes Authorization to the application.
        CGIPassAuth On
        # Keeps Content-Length, also in responses to HEAD.
        SetEnv ap_trust_cgilike_cl 1
        # mod_deflate buffers streamed text until its end. To disable it:
        # FilterChain !
    </Files>
</Directory>
<Proxy "%[5]s">
    # Longer than the adapter's timeouts, whose error pages are more specific.
    ProxySet timeout=%[6]d
</Proxy>
# In a <VirtualHost>, AllowEncodedSlashes On lets %%2F in a path through; otherwise it is a 404.
`, regexp.QuoteMeta(o.Mount), o.File, path.Dir(o.File), path.Base(o.File), worker, waits(o.Timeout))
	return b.String(), nil
}

// Lighttpd renders the configuration for lighttpd 1.4.46 or later (mod_scgi). The error is an [*OptionError].
func Lighttpd(o LocationOptions) (string, error) {
	if err := o.prepare("lighttpd"); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# %[1]s: put this into a file that lighttpd includes, /etc/lighttpd/conf-available/50-%[1]s.conf, and
# then: lighty-enable-mod %[1]s && systemctl reload lighttpd
# The last matching condition is used: put longer prefixes last.
server.modules += ( "mod_scgi" )
`, o.Name)
	peer := fmt.Sprintf("\"socket\" => \"%s\",", o.Listen)
	if !isPath(o.Listen) {
		host, port, _ := cutAddress(o.Listen)
		peer = fmt.Sprintf("\"host\" => \"%s\", \"port\" => %s,", host, port)
	}
	// A whole server needs no condition.
	begin, key, root, end := `$HTTP["url"] =~ "^`+regexp.QuoteMeta(o.Mount)+"(/|$)\" {\n    scgi.server =", o.Mount, "", ""
	if key == "" {
		begin, key, end = "scgi.server +=", "/", "$HTTP[\"url\"] =~ \"^/\" {\n"
		root = "\n        # Without it, SCRIPT_NAME is the first part of the path.\n        \"fix-root-scriptname\" => \"enable\","
	}
	fmt.Fprintf(&b, `%s ( "%s" => ((
        %s
        # URLs of the application are not files.
        "check-local" => "disable",%s
        # For WebSockets, with lighttpd 1.4.79: "upgrade" => "enable",
    )) )
%s    # Streams responses; clients notice a truncated one.
    server.stream-response-body = 1
}
`, begin, key, peer, root, end)
	for _, s := range o.Static {
		fmt.Fprintf(&b, "# Files that lighttpd itself serves; its user must be able to read them.\n"+
			"alias.url += ( \"%s\" => \"%s\" )\n$HTTP[\"url\"] =~ \"^%s\" { scgi.server = () }\n", s.URL, s.Dir, regexp.QuoteMeta(s.URL))
	}
	return b.String(), nil
}

// waits is the web server's timeout in seconds for an application with this limit.
func waits(limit time.Duration) int {
	if limit == 0 {
		return 24 * 60 * 60
	}
	return int(limit.Seconds()) + margin
}
