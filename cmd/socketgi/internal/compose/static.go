package compose

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/socketgi/socketgi/units"
)

// Static takes values of --static apart, URL=DIR each, for the system in root. The warnings are of
// directories that are not there.
func Static(root string, values []string) (all []units.NginxStatic, warnings []string, err error) {
	for _, value := range values {
		url, dir, ok := strings.Cut(value, "=")
		if !ok || url == "" || dir == "" {
			return nil, warnings, fmt.Errorf("--static %s: expected URL=DIR, such as /shop/static=/srv/shop/static", value)
		}
		if root == "" {
			if dir, err = filepath.Abs(dir); err != nil {
				return nil, warnings, err
			}
		}
		if info, err := os.Stat(root + dir); err != nil || !info.IsDir() {
			warnings = append(warnings, fmt.Sprintf("--static %s: no directory %s; the web server answers 404", value, root+dir))
		}
		all = append(all, units.NginxStatic{URL: url, Dir: dir})
	}
	return all, warnings, nil
}
