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

// webServer is nginx as it is on this machine.
type webServer struct {
	// err says why its configuration is not known.
	err error
	// rejected is what nginx says of a configuration that it doesn't take.
	rejected string
	conf     []*nginxconf.Directive
	version  version
	// about is what nginx -V says of how it was built.
	about string

	// user is who connects; userErr why that is not known.
	user    *access.Rights
	userErr error
}

var errNoNginx = errors.New("nginx is not installed here; whether another web server reaches the socket is not known")

// findWebServer asks nginx for its configuration, which only root can.
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
			w.err = errors.New("only root can ask nginx for its configuration")
		} else {
			w.rejected, w.err = refused.Words, errors.New("nginx doesn't take its configuration")
		}
	}
	return w
}

// findUser finds out as whom the web server connects: what its configuration says, what
// it was built with, or who is there.
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
		for _, try := range []string{"www-data", "nginx", "http", "apache"} {
			if _, ok := account.FindUser("", try); ok {
				name = try
				break
			}
		}
	}
	if name == "" {
		w.user, w.userErr = nil, errors.New("there is no nginx, and none of the users www-data, nginx, http and apache")
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
