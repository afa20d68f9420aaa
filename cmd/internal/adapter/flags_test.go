package adapter

import (
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// full has a value of its own for each flag, in as far as they go together.
func full() Options {
	return Options{
		Operands: []string{"/srv/app.py:app"}, Mount: "/app", Timeout: 90 * time.Second, SendTimeout: 0,
		Limits:      scgi.Limits{HeaderBytes: 128 << 10, Headers: 2, BodyBytes: 10<<20 + 1, HeaderTimeout: time.Second, BodyTimeout: 1500 * time.Millisecond},
		Concurrency: 3, QueueTimeout: time.Minute, Cache: "/var/cache/it's", Slots: "-slots", Python: "/usr/bin/python 3", Interface: InterfaceASGI, MaxMessage: 1 << 20,
		IdleExit: 0, Backlog: 1, Warm: Warm{Workers: 2, MaxRequests: 5, MaxMemory: 3 << 30, Preload: false, Reload: true, Path: "/warm?x=1"},
		AccessLog: false, AllowUIDs: []uint32{33, 4294967294}, AllowUsers: []string{"www-data", "me"}, Debug: true, Check: true,
	}
}

// TestArguments checks that arguments of values are parsed to the same values.
func TestArguments(t *testing.T) {
	program := Default()
	program.CGI = CGI{Program: true, NPH: true, Index: true, IdleTimeout: time.Minute, HeadBytes: 16 << 10}
	program.Operands = []string{"-program", "--mount", "", "-- "}
	root := Default()
	root.CGI = CGI{Root: "/srv/cgi", Targets: []string{"/a b", "/c"}}
	version, reload := Default(), Default() // these stand alone
	version.Version, reload.AskReload = true, 7
	defaults, seen := FlagSet(), map[string]bool{}
	for _, o := range []Options{full(), program, root, version, reload} {
		got, err := Parse(o.Arguments())
		require.NoError(t, err, "%q", o.Arguments())
		assert.Equal(t, o, got, "%q", o.Arguments())
		for _, f := range o.Flags() {
			if f.Value.String() != defaults.Lookup(f.Name).DefValue {
				seen[f.Name] = true
			}
		}
	}
	defaults.VisitAll(func(f *flag.Flag) { assert.True(t, seen[f.Name], "--%s has no other value here", f.Name) })
}

// TestDefaults checks that defaults are written nowhere.
func TestDefaults(t *testing.T) {
	o, err := Parse([]string{"app.py"})
	require.NoError(t, err)
	assert.Equal(t, []string{"app.py"}, o.Arguments())
	want := Default()
	want.Operands = []string{"app.py"}
	assert.Equal(t, want, o)
	for _, f := range want.Flags() {
		if f.Value.String() != "" {
			assert.NoError(t, f.Value.Set(f.Value.String()), "--%s has a default that can't be given", f.Name)
		}
		assert.Equal(t, f.Value.Type() != "bool", strings.Contains(f.Usage, "`"), "--%s: the name of a value", f.Name)
	}
}

// TestSwitchBeforeFlag checks that a flag without a value takes none of what follows.
func TestSwitchBeforeFlag(t *testing.T) {
	o := Default()
	for _, f := range o.Flags() {
		if f.Value.Type() != "bool" {
			continue
		}
		got, _ := Parse([]string{"--" + f.Name, "--mount", "/m", "app.py"})
		assert.Equal(t, "/m", got.Mount, f.Name)
		assert.Equal(t, []string{"app.py"}, got.Operands, f.Name)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--no-such app.py", "unknown flag: --no-such; see socketgi-adapter --help"},
		{"app.py --timeout", "expected one APP, got 2"},
		{"--timeout", "flag needs an argument: --timeout; see"},
		{"", "expected one APP, got 0"},
		{"a.py b.py", "expected one APP, got 2"},
		{"--cgi", "missing argument: PROGRAM"},
		{"--cgi --cgi-root /srv x", "exclude each other"},
		{"--cgi-root /srv x", `got "x" as well`},
		{"--cgi-target /srv app.py", "--cgi-target needs --cgi-root"},
		{"--nph app.py", "--nph needs a CGI program: use --cgi or --cgi-root, too"},
		{"--nph --isindex --idle-timeout 1s app.py", "--nph, --isindex and --idle-timeout need a CGI program"},
		{"--mount x app.py", `--mount "x": a path must begin with a slash; see`},
		{"--warm-path x app.py", "a path must begin with a slash"},
		{"--timeout -1s app.py", "a timeout must not be negative"},
		{"--queue-timeout 0 app.py", "a timeout must be positive"},
		{"--timeout 60x app.py", `--timeout "60x": "60x" is not a duration: expected seconds, or 90s, 5min, 1h30min; see`},
		{"--timeout= app.py", `"" is not a duration`},
		{"--backlog 0 app.py", "expected a number, 1 or more"},
		{"--concurrency -1 app.py", "expected a number, 0 or more"},
		{"--max-header 63 app.py", "expected between 64 and 128K bytes"},
		{"--max-body 1.5G app.py", `"1.5G" is not a size`},
		{"--max-body 9999999999T app.py", "is not a size"},
		{"--preload maybe app.py", "expected yes or no"},
		{"--interface fcgi app.py", `--interface "fcgi": expected wsgi, asgi or auto; see`},
		{"--max-message 1MB app.py", `"1MB" is not a size`},
		{"--reload=maybe app.py", `--reload "maybe": expected true or false`},
		{"--allow-uid 4294967295 app.py", "is not a user id"},
		{"--allow-uid www-data app.py", "for names use --allow-user"},
		{"--allow-user a, app.py", "USER[,USER...]"},
	} {
		o, err := Parse(strings.Fields(c.args))
		assert.ErrorContains(t, err, c.want, c.args)
		_ = o.Arguments()
	}
	_, err := Parse([]string{"--help"})
	assert.ErrorIs(t, err, flag.ErrHelp)

	o, err := Parse([]string{"--concurrency", "3", "--backlog", "0", "app.py"})
	assert.Error(t, err)
	assert.Equal(t, 3, o.Concurrency, "what was read before the error counts")
}

// TestWithoutEffect checks that flags are not written where they do nothing.
func TestWithoutEffect(t *testing.T) {
	const warm = "--idle-exit, --workers, --max-requests, --max-memory, --preload, --reload and --warm-path need a warm application: use --accept no, too"
	o := full()
	assert.EqualError(t, o.ValidateFor(AcceptYes), warm)
	assert.NoError(t, o.ValidateFor(AcceptNo))
	for _, c := range []struct {
		args   string
		accept Accept
		want   string
	}{
		{"app.py", AcceptYes, ""},
		{"--python /p app.py", AcceptYes, ""},
		{"--idle-exit 1s app.py", AcceptYes, "--idle-exit needs a warm application: use --accept no, too"},
		{"--workers 2 --python /p --cgi x", AcceptNo, "--workers and --python need a WSGI or ASGI application: a CGI program is started for each request"},
		{"--idle-exit 1s --nph --cgi x", AcceptNo, ""},
		{"--concurrency 3 --cgi-root /srv", AcceptYes, ""},
		{"--concurrency 3 app.py", AcceptNo, ""},
		{"--concurrency 3 --interface wsgi app.py", AcceptYes, ""},
		{"--concurrency 3 --interface wsgi app.py", AcceptNo, ErrOneAtOnce.Error()},
		{"--concurrency 3 --max-requests 1 app.py", AcceptNo, "--concurrency has no effect with --max-requests 1: a process answers one request; use --workers"},
		{"--max-message 1M app.py", AcceptYes, ""},
		{"--max-message 1M --interface wsgi app.py", AcceptYes, "--max-message needs an ASGI application: omit --interface wsgi"},
		{"--max-message 1M --interface asgi --cgi x", AcceptNo, "--max-message and --interface need a WSGI or ASGI application: a CGI program is started for each request"},
	} {
		o, err := Parse(strings.Fields(c.args))
		require.NoError(t, err)
		if err := o.ValidateFor(c.accept); c.want == "" {
			assert.NoError(t, err, c.args)
		} else {
			assert.EqualError(t, err, c.want, c.args)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "1": 1, "1025": 1025, "64K": 64 << 10, "1536K": 1536 << 10, "3M": 3 << 20, "5G": 5 << 30, "7T": 7 << 40} {
		var n int64
		z := size[int64]{&n, 0, mostBytes}
		require.NoError(t, z.Set(text))
		assert.Equal(t, want, n)
		assert.Equal(t, text, z.String())
	}
}

// TestNumber checks that numbers are read as Go writes them, as package flag does.
func TestNumber(t *testing.T) {
	for text, want := range map[string]int{"16": 16, "0x10": 16, "010": 8, "1_000": 1000, "+3": 3} {
		o, err := Parse([]string{"--concurrency", text, "app.py"})
		require.NoError(t, err, text)
		assert.Equal(t, want, o.Concurrency, text)
	}
}

func TestHelp(t *testing.T) {
	var b strings.Builder
	Help(&b)
	help := b.String()
	o := Default()
	for _, f := range o.Flags() {
		assert.Contains(t, help, "\n  --"+f.Name)
	}
	words := strings.Join(strings.Fields(help), " ")
	for _, text := range []string{"--max-header SIZE ", "at most 128K (default 64K) ", "(default 1min) ", "--access-log yes|no ", "(default yes) ",
		"(default one per processor)"} {
		assert.Contains(t, words, text)
	}
	for line := range strings.Lines(help) {
		assert.LessOrEqual(t, len(line), 80+len("\n"), line)
	}
}

// TestDuration checks that a number without a unit is in seconds, as in unit files.
func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{"60": time.Minute, "0": 0, "1.5": 1500 * time.Millisecond, "90s": 90 * time.Second, "5m": 5 * time.Minute, "5min": 5 * time.Minute, "1min 30s": 90 * time.Second, "1h30min": 90 * time.Minute, "1min 30": 90 * time.Second, "5 min": 5 * time.Minute, "2 3min": 182 * time.Second, "1h30": time.Hour + 30*time.Second} {
		o, err := Parse([]string{"--timeout", text, "app.py"})
		require.NoError(t, err, text)
		assert.Equal(t, want, o.Timeout, text)
	}
}

// FuzzArguments checks that values are the same behind their arguments, which are the same
// then, too, and that no arguments are too much.
func FuzzArguments(f *testing.F) {
	o := full()
	for _, args := range [][]string{o.Arguments(), {"--cgi", "--", "-p", "--mount", "x"}, {"--cgi-root=/srv", "--cgi-target", "/a", "--cgi-target=/b", "--nph"},
		{"--timeout", "1h2m3.4s", "--workers", "0x10", "app.py"}, {"-version"}, {"--ask-reload", "1"}, {"--timeout", "", "--no-such", "x", "--mount"}, {"--", "-"}, {"-=", "---x", "a"}, {"--preload=no", "--reload=F", "--", "--"}} {
		f.Add(strings.Join(args, "\n"))
	}
	f.Fuzz(func(t *testing.T, args string) {
		given := strings.Split(args, "\n")
		read := Read(given)
		o, err := Parse(given)
		words := o.Arguments()
		if err != nil {
			return
		}
		require.Equal(t, o, read, "what can be run is read the same")
		same, err := Parse(words)
		require.NoError(t, err, "%q", words)
		require.Equal(t, o, same, "%q", words)
		require.Equal(t, words, same.Arguments())
	})
}

func TestUIDs(t *testing.T) {
	for in, want := range map[string][]uint32{"0": {0}, "33,1000": {33, 1000}, "4294967294": {4294967294}} {
		o, err := Parse([]string{"--allow-uid", in, "app.py"})
		require.NoError(t, err)
		assert.Equal(t, want, o.AllowUIDs)
	}
	for _, in := range []string{"", ",", "1,", "-1", "+1", "www-data", "4294967295", "4294967296", "1 2"} {
		o, err := Parse([]string{"--allow-uid", in, "app.py"})
		assert.ErrorContains(t, err, "is not a user id", in)
		assert.Nil(t, o.AllowUIDs, "none of a list with a mistake")
	}
}
