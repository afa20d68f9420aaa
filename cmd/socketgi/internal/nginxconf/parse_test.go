package nginxconf

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const dump = `# configuration file /etc/nginx/nginx.conf:
user www-data; # who
http {
    include mime.types;
    scgi_param OUTER 1;
    scgi_read_timeout 30s;
    include /etc/nginx/sites-enabled/*;
}
# configuration file /etc/nginx/mime.types:
types { text/html html; }
# configuration file /etc/nginx/sites-enabled/b:
server { listen 81; }
# configuration file /etc/nginx/sites-enabled/a:
server {
    listen 80;
    set $x "a;b{}\"c\\d\.e";
    content_by_lua_block {
        if x then y = { 1, "}" } end -- }'
    }
    location ~ "^/(?<n>[a-z]{2})$" {
        include scgi_params;
        scgi_param INNER ${x}y;
        scgi_pass unix:/run/x.sock;
        if ($http_host ~ "(:[0-9]{1,5})$") { set $port $1; }
    }
}
# configuration file /etc/nginx/sites-enabled/d:
server { listen 83; }
# configuration file /etc/nginx/sites-enabled/c:
server { listen 82; }
# configuration file /etc/nginx/scgi_params:
scgi_param REQUEST_METHOD $request_method;
`

func find(t *testing.T, list []*Directive, name string) (found *Directive) {
	t.Helper()
	Walk(list, func(d *Directive) {
		if d.Name == name && found == nil {
			found = d
		}
	})
	require.NotNil(t, found, name)
	return found
}

func TestParse(t *testing.T) {
	top, err := Parse(dump)
	require.NoError(t, err)
	assert.Equal(t, []string{"www-data"}, find(t, top, "user").Args)
	assert.Equal(t, "text/html", find(t, top, "types").Block[0].Name)

	server := find(t, top, "server")
	var listen []string
	Walk(top, func(d *Directive) {
		if d.Name == "listen" {
			listen = append(listen, d.Arg(0))
		}
	})
	assert.Equal(t, []string{"80", "81", "82", "83"}, listen, "included files are in the order of their names")
	assert.Equal(t, "/etc/nginx/sites-enabled/a:1", server.Place())
	assert.Equal(t, []string{"$x", `a;b{}"c\d\.e`}, find(t, top, "set").Args)
	location := find(t, top, "location")
	assert.Equal(t, []string{"~", "^/(?<n>[a-z]{2})$"}, location.Args)
	assert.Equal(t, "/etc/nginx/sites-enabled/a:7", location.Place())
	pass := find(t, top, "scgi_pass")
	assert.Equal(t, location, pass.Up)
	assert.Equal(t, server, pass.In("server"))
	assert.Equal(t, "30s", location.Value("scgi_read_timeout", "60s"))
	assert.Equal(t, "8k", location.Value("scgi_buffer_size", "8k"))

	// One scgi_param in a level replaces all of the outer levels.
	var names []string
	for _, p := range find(t, top, "if").Here("scgi_param") {
		names = append(names, p.Arg(0)+"="+p.Arg(1))
	}
	assert.Equal(t, []string{"REQUEST_METHOD=$request_method", "INNER=${x}y"}, names)
	assert.Equal(t, "OUTER", find(t, top, "listen").Up.Here("scgi_param")[0].Arg(0))
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"a":                   "f:1: the file ends within a directive",
		"\na {":               "f:2: a block is not closed",
		"}":                   "f:1: } closes nothing",
		"a }":                 "f:1: } ends a directive that has no ;",
		"a 'b":                "f:1: a quote is not closed",
		`a "b"c;`:             "f:1: unexpected text after a quote",
		";":                   `f:1: ';' follows no directive`,
		"include f;":          "f includes itself",
		"x_by_lua_block { {}": "f:1: a block of Lua is not closed",
	} {
		_, err := Parse("# configuration file f:\n" + text)
		assert.EqualError(t, err, want, text)
	}
	_, err := Parse("nginx: [emerg]")
	assert.Error(t, err)
}

func TestValues(t *testing.T) {
	for s, want := range map[string]time.Duration{"60": time.Minute, "1m30s": 90 * time.Second, "500ms": 500 * time.Millisecond, "1M": 720 * time.Hour} {
		got, ok := Duration(s)
		assert.True(t, ok, s)
		assert.Equal(t, want, got, s)
	}
	for _, s := range []string{"", "s", "1x", "$t", "-1"} {
		_, ok := Duration(s)
		assert.False(t, ok, s)
	}
	for s, want := range map[string]int64{"0": 0, "4096": 4096, "32k": 32 << 10, "1M": 1 << 20, "2g": 2 << 30} {
		got, ok := Size(s)
		assert.True(t, ok, s)
		assert.Equal(t, want, got, s)
	}
	for _, s := range []string{"", "k", "-1", "99999999999g"} {
		_, ok := Size(s)
		assert.False(t, ok, s)
	}
}

// FuzzParse checks that the parser returns for any input, and that the directives of a block refer to the one
// around it.
func FuzzParse(f *testing.F) {
	f.Add(dump)
	f.Add("# configuration file f:\ninclude f;")
	f.Add("# configuration file f:\na \"b\\\"${c}\" 'd' ${e};{")
	f.Add("# configuration file f:\n" + strings.Repeat("a{", 1000) + strings.Repeat("}", 1000))
	f.Add("# configuration file a:\ninclude *;include *;\n# configuration file b:\ninclude c;\n# configuration file c:\nx;")
	f.Fuzz(func(t *testing.T, text string) {
		top, err := Parse(text)
		if err != nil {
			return
		}
		Walk(top, func(d *Directive) {
			if d.Name == "" && len(d.Args) == 0 && d.Line == 0 {
				t.Fatalf("an empty directive: %+v", d)
			}
			for _, inner := range d.Block {
				if inner.Up != d {
					t.Fatalf("%s doesn't know what it stands in", inner.Place())
				}
			}
			Duration(d.Arg(0))
			Size(d.Arg(0))
		})
	})
}
