package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/access"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/account"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginx"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
)

// webServer is nginx on this machine.
type webServer struct {
	// err is the reason why its configuration is unknown.
	err error
	// rejected is nginx's message about an invalid configuration.
	rejected string
	conf     []*nginxconf.Directive
	version  version
	// about is the output of nginx -V.
	about string

	// user is the user that connects; userErr the reason why it is unknown.
	user    *access.Rights
	userErr error
}

var errNoNginx = errors.New("neither nginx, Apache nor lighttpd is installed; whether another web server reaches the socket is not checked")

// findWebServer reads nginx's configuration, which only root can.
func findWebServer(ctx context.Context) *webServer {
	w := &webServer{}
	defer w.findUser()
	program, err := nginx.Program()
	if err != nil {
		w.err = errNoNginx
		return w
	}
	w.about, _ = nginx.About(ctx, program)
	w.version = parseVersion(w.about)
	if m := regexp.MustCompile(`--user=(\S+)`).FindStringSubmatch(w.about); m != nil {
		w.user = &access.Rights{Name: m[1]}
	}
	w.conf, w.err = nginx.Config(ctx, program)
	if refused := (*nginx.RefusedError)(nil); errors.As(w.err, &refused) {
		if os.Geteuid() != 0 {
			w.err = errors.New("only root can read nginx's configuration (nginx -T)")
		} else {
			w.rejected, w.err = refused.Words, errors.New("nginx refuses its configuration")
		}
	}
	return w
}

// findUser finds the web server's user: from its configuration, its build, or the usual names.
func (w *webServer) findUser() {
	name, group := "", ""
	if w.user != nil {
		name = w.user.Name
	}
	for _, d := range w.conf {
		if d.Name == "user" {
			name, group = d.Arg(0), d.Arg(1)
		}
	}
	if name == "" {
		for _, try := range []string{"www-data", "nginx", "http", "apache", "lighttpd"} {
			if _, ok := account.FindUser("", try); ok {
				name = try
				break
			}
		}
	}
	if name == "" {
		w.user, w.userErr = nil, errors.New("nginx is not installed, and none of the users www-data, nginx, http, apache and lighttpd exists")
		return
	}
	w.user, w.userErr = access.RightsOf(name, group)
}

// version of nginx or another program.
type version [3]int

func (v version) before(w version) bool {
	for i := range v {
		if v[i] != w[i] {
			return v[i] < w[i]
		}
	}
	return false
}

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

var versionText = regexp.MustCompile(`nginx/(\d+)\.(\d+)\.(\d+)`)

func parseVersion(s string) (v version) {
	if m := versionText.FindStringSubmatch(s); m != nil {
		for i := range v {
			v[i], _ = strconv.Atoi(m[i+1])
		}
	}
	return v
}
