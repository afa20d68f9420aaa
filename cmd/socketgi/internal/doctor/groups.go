package doctor

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/account"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginx"
)

// missingGroup returns the group of a socket that the web server's user has, but one of its workers
// lacks; "" for none.
func missingGroup(web *webServer, listen string) string {
	info, err := os.Stat(listen)
	if !strings.HasPrefix(listen, "/") || err != nil || info.Mode().Perm()&0o002 != 0 || web.user == nil {
		return ""
	}
	st := info.Sys().(*syscall.Stat_t)
	if int(st.Uid) == web.user.UID || !slices.Contains(web.user.Groups, int(st.Gid)) {
		return ""
	}
	master, err := nginx.Master(nginx.PIDFile(web.about, web.conf))
	if err != nil {
		return ""
	}
	for _, w := range nginx.Workers(master) {
		if !slices.Contains(nginx.GroupsOf(w.PID), int(st.Gid)) {
			if g, ok := account.FindGroup("", fmt.Sprint(st.Gid)); ok {
				return g.Name
			}
			return fmt.Sprint(st.Gid)
		}
	}
	return ""
}
