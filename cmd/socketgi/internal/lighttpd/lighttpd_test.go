package lighttpd

import (
	"testing"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dumps are of lighttpd 1.4.69 and 1.4.79.
var dumps = map[string]string{"1.4.69": `config {
    var.CWD                        = "/"
    mimetype.assign                = (
        ".html" => "text/html",
        ""      => "application/octet-stream",
    )
    server.document-root           = "/var/www/\"html\\"
    server.port                    = 8082
    server.modules                 = ("mod_scgi", "mod_alias")


    $HTTP["url"] =~ "^/odd(/|$)" {
        # block 1 "
        scgi.server                 = (
            "/odd" => (
                (
                    "socket"      => "/run/odd.sock",
                    "check-local" => "disable",
                ),
            ),
        )
        server.stream-response-body = 1

    } # end of $HTTP["url"] =~ "^/odd(/|$)"
    else $HTTP["url"] =~ "^/" {
        alias.url = ()
    }
}`, "1.4.79": `config {
    server.document-root = "/var/www/\"html\\"
    server.port                    = 8082
    server.modules       = ("mod_scgi", "mod_alias")
    if $HTTP["url"] =~ "^/odd(/|$)" {
        scgi.server                 = ("/odd" => (( "socket" => "/run/odd.sock", "check-local" => "disable")))
        server.stream-response-body = 1
    } # end of $HTTP["url"] =~ "^/odd(/|$)"
    elif $HTTP["url"] =^ "/" {
        alias.url = ()
    } else {
        server.port = 1
    }
}`}

func TestParse(t *testing.T) {
	for version, dump := range dumps {
		conf, err := parse(dump)
		require.NoError(t, err, version)
		at := map[string]*nginxconf.Directive{}
		nginxconf.Walk(conf, func(d *nginxconf.Directive) { at[d.Name] = d })
		assert.Equal(t, `/var/www/"html\`, at["server.document-root"].Arg(0), version)
		require.Len(t, at["server.modules"].Block, 2)
		assert.Equal(t, "mod_alias", at["server.modules"].Block[1].Arg(0))
		socket := at["socket"]
		assert.Equal(t, []string{"/run/odd.sock"}, socket.Args)
		assert.Equal(t, "/odd", socket.Up.Up.Name)
		assert.Equal(t, []string{"=~", "^/odd(/|$)"}, socket.In(`$HTTP["url"]`).Args)
		assert.Equal(t, `$HTTP["url"]`, at["alias.url"].Up.Name)
		assert.NotEqual(t, socket.In(`$HTTP["url"]`), at["alias.url"].Up)
		assert.Nil(t, at["server.modules"].Up)
	}
}

func FuzzParse(f *testing.F) {
	for _, dump := range dumps {
		f.Add(dump)
	}
	for _, s := range []string{"", "config {", "a = (", "a = ((", "}", "a", `a = "`, `if {`} {
		f.Add(s)
	}
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
