package apache

import (
	"testing"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const dump = `# In file: /etc/apache2/apache2.conf
# 216:
LogFormat "%{User-agent}i \"%r\" \\d" agent
# In file: /etc/apache2/conf-enabled/app.conf
#   7:
AliasMatch "^/app(/.*)?$" '/etc/x y$1'
#   8:
<Directory "/etc/systemd/system">
  #   9:
  <Files "app.socket">
    #  10:
    SetHandler "proxy:unix:/run/app.sock|scgi://app.socketgi/"
    #  11:
    CGIPassAuth On
  </Files>
</Directory>
#  24:
<VirtualHost *:80>
  #  25:
  ServerName x
</VirtualHost>
`

func TestParse(t *testing.T) {
	conf, err := parse(dump)
	require.NoError(t, err)
	at := map[string]*nginxconf.Directive{}
	nginxconf.Walk(conf, func(d *nginxconf.Directive) { at[d.Name] = d })
	assert.Equal(t, []string{`%{User-agent}i "%r" \d`, "agent"}, at["LogFormat"].Args)
	assert.Equal(t, []string{"^/app(/.*)?$", "/etc/x y$1"}, at["AliasMatch"].Args)
	assert.Equal(t, "/etc/apache2/conf-enabled/app.conf:10", at["SetHandler"].Place())
	assert.Equal(t, "app.socket", at["SetHandler"].In("Files").Arg(0))
	assert.Equal(t, "/etc/systemd/system", at["SetHandler"].In("Directory").Arg(0))
	assert.Equal(t, "*:80", at["ServerName"].In("VirtualHost").Arg(0))
	assert.Nil(t, at["VirtualHost"].Up)
	_, err = parse("</Files>\n")
	assert.Error(t, err)
}

func FuzzParse(f *testing.F) {
	f.Add(dump)
	f.Add("<\n</\n>\n<>\n\"\\")
	f.Fuzz(func(t *testing.T, dump string) {
		conf, err := parse(dump)
		if err != nil {
			return
		}
		nginxconf.Walk(conf, func(d *nginxconf.Directive) {
			for _, inner := range d.Block {
				require.Same(t, d, inner.Up)
			}
		})
	})
}
