package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestNginxReload sends a request as soon as socketgi nginx --reload has ended: the new configuration is
// always in effect.
func TestNginxReload(t *testing.T) {
	s := newSite(t)
	const conf = "/etc/nginx/apps/number.conf"
	for i := range 20 {
		s.Write(conf, fmt.Sprintf("location = /number { return 200 %d; }\n", i))
		s.Run("/usr/local/bin/socketgi", "nginx", "--reload")
		if !assert.Equal(t, fmt.Sprint(i), s.get("/number").body) {
			break
		}
	}

	s.Write(conf, "nonsense;\n")
	out, err := s.Try("/usr/local/bin/socketgi", "nginx", "--reload")
	assert.Error(t, err)
	assert.Contains(t, out, `unknown directive "nonsense" in `+conf+":1")
	assert.Equal(t, "19", s.get("/number").body, "nginx continues with the previous configuration")

	s.Write(conf, "location = /number { return 200 20; }\n")
	s.Run("systemctl", "stop", "nginx")
	out, err = s.Try("/usr/local/bin/socketgi", "nginx", "--reload")
	assert.Error(t, err)
	assert.Equal(t, "socketgi: nginx doesn't run: systemctl start nginx\n", out)
}
