package worker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi/outcome"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestASGILifespan is the table of https://asgi.readthedocs.io/en/latest/specs/lifespan.html.
func TestASGILifespan(t *testing.T) {
	const ( // how it goes on
		http = `
    await send({'type': 'http.response.start', 'status': 200})
    await send({'type': 'http.response.body', 'body': repr(scope.get('state')).encode()})
    print('request')
`
		received = "\n        print((await receive())['type'])"
		complete = "\n        await send({'type': 'lifespan.startup.complete'})"
		ended    = "\n        await send({'type': 'lifespan.shutdown.complete'})"
		returned = "\n        return"
	)
	for sentence, row := range map[string]struct {
		lifespan string
		body     string // of the response; "": there is none
		problem  string
		log      string // all of it, but for what is before the last :: of a line of this
	}{
		"lifespan messages allow for an application to initialise and shutdown": {lifespan: received + complete + received + ended + returned, body: "{}",
			log: "lifespan.startup\nrequest\nlifespan.shutdown\n"},
		"scope: type, asgi and state": {lifespan: "\n        print(scope)" + received + complete + received + ended + returned, body: "{}",
			log: "{'type': 'lifespan', 'asgi': {'version': '3.0', 'spec_version': '2.0'}, 'state': {}}\nlifespan.startup\nrequest\nlifespan.shutdown\n"},
		"state: a shallow copy of the namespace is passed into each request": {lifespan: "\n        scope['state']['x'] = [1]" + received + complete + received + ended + returned, body: "{'x': [1]}",
			log: "lifespan.startup\nrequest\nlifespan.shutdown\n"},
		"if an exception is raised ..., the server must continue but not send any lifespan events": {lifespan: "\n        raise TypeError", body: "{}", log: "request\n"},
		"if an exception is raised ... with a lifespan.startup message":                            {lifespan: received + "\n        raise TypeError", body: "{}", log: "lifespan.startup\nrequest\n"},
		"an application that returns has no lifespan":                                              {lifespan: returned, body: "{}", log: "request\n"},
		"an application that answers everything as HTTP has no lifespan":                           {lifespan: "\n        pass", body: "{}", log: "request\n"},
		"startup failed: log/print the message provided and then exit": {lifespan: received + "\n        await send({'type': 'lifespan.startup.failed', 'message': 'no database'})" + returned,
			problem: "the application has sent lifespan.startup.failed: no database", log: "lifespan.startup\n"},
		"startup failed: and raises": {lifespan: "\n        await send({'type': 'lifespan.startup.failed', 'message': 'no database'})\n        raise KeyError",
			problem: "the application has sent lifespan.startup.failed: no database"},
		"startup failed: message defaults to an empty one": {lifespan: "\n        await send({'type': 'lifespan.startup.failed'})",
			problem: "the application has sent lifespan.startup.failed"},
		"startup: sys.exit": {lifespan: "\n        sys.exit(3)", problem: "the application called sys.exit(3) in its lifespan"},
		"shutdown failed: log/print the message provided and then terminate": {
			lifespan: received + complete + received + "\n        await send({'type': 'lifespan.shutdown.failed', 'message': 'still busy'})" + returned, body: "{}",
			log: "lifespan.startup\nrequest\nlifespan.shutdown\nin the lifespan of the application: still busy\n"},
		"shutdown: an exception": {lifespan: received + complete + received + "\n        raise KeyError('end')", body: "{}",
			log: "lifespan.startup\nrequest\nlifespan.shutdown\nin the lifespan of the application: Traceback (most recent call last):\n::KeyError: 'end'\n"},
		"shutdown: an application that returns after its startup": {lifespan: received + complete + returned, body: "{}", log: "lifespan.startup\nrequest\n"},
		"shutdown: receive is called once more":                   {lifespan: received + complete + received + ended + received, body: "{}", log: "lifespan.startup\nrequest\nlifespan.shutdown\n"},
		"complete twice": {lifespan: received + complete + complete, body: "{}",
			log: "lifespan.startup\nin the lifespan of the application: Traceback (most recent call last):\n::RuntimeError: unexpected lifespan.startup.complete: the startup is over\nrequest\n"},
		"what the lifespan has started goes on during a request, and is cancelled at the end": {lifespan: `
        async def beat():
            try:
                while True:
                    await asyncio.sleep(0.001)
            finally:
                print('cancelled')
        global task
        task = asyncio.ensure_future(beat())` + received + complete + received + ended + returned, body: "{}", log: "lifespan.startup\nrequest\nlifespan.shutdown\ncancelled\n"},
	} {
		t.Run(sentence, func(t *testing.T) {
			source := "import asyncio, sys\nasync def app(scope, receive, send):\n    if scope['type'] == 'lifespan':" + row.lifespan + http
			eachASGI(t, source, func(a *asgi) {
				ans := a.ask(variables(), "", nil)
				if row.problem != "" {
					require.NotNil(a.t, ans.Problem)
					assert.Contains(a.t, ans.Problem.Text, row.problem)
					assert.Equal(a.t, outcome.None, ans.End)
				} else {
					assert.Nil(a.t, ans.Problem, "%v", ans.Problem)
					assert.True(a.t, strings.HasSuffix(ans.sent, "\r\n\r\n"+row.body), "%s", ans.sent)
				}
				log := a.logged()
				if before, rest, is := strings.Cut(row.log, "::"); is {
					assert.True(a.t, strings.HasPrefix(log, before), "%s", log)
					assert.True(a.t, strings.HasSuffix(log, rest), "%s", log)
				} else {
					assert.Equal(a.t, row.log, log)
				}
			})
		})
	}
}

// TestASGIInterface has applications in each form, and what is said of them.
func TestASGIInterface(t *testing.T) {
	const (
		asgi3 = "async def f(scope, receive, send):\n    assert scope['type'] == 'http'" + startASGI + "\n    await send({'type': 'http.response.body', 'body': b'ASGI'})\n"
		asgi2 = "def f(scope):\n    async def instance(receive, send):\n        await g(scope, receive, send)\n    return instance\n"
		wsgi  = "def w(environ, start_response):\n    start_response('200 OK', [])\n    return [b'WSGI']\n"
		split = "\nimport functools, asyncio\n"
	)
	g := strings.Replace(asgi3, "f(", "g(", 1)
	for name, row := range map[string]struct{ source, said, want string }{
		"a coroutine function":        {asgi3 + "app = f\n", "", "ASGI"},
		"an object":                   {asgi3 + "class C:\n    async def __call__(self, scope, receive, send):\n        await f(scope, receive, send)\napp = C()\n", "", "ASGI"},
		"a method":                    {asgi3 + "class C:\n    async def m(self, scope, receive, send):\n        await f(scope, receive, send)\napp = C().m\n", "", "ASGI"},
		"a factory":                   {asgi3 + "def create_app():\n    return f\n", "", "ASGI"},
		"two calls":                   {g + asgi2 + "app = f\n", "", "ASGI"},
		"two calls of a class":        {g + "class app:\n    def __init__(self, scope):\n        self.scope = scope\n    async def __call__(self, receive, send):\n        await g(self.scope, receive, send)\n", "", "ASGI"},
		"two calls of an object":      {g + "class C:\n    def __call__(self, scope):\n        async def instance(receive, send):\n            await g(scope, receive, send)\n        return instance\napp = C()\n", "", "ASGI"},
		"a partial":                   {split + "async def h(x, scope, receive, send):\n    await f(scope, receive, send)\n" + asgi3 + "app = functools.partial(functools.partial(h, 1))\n", "", "ASGI"},
		"a partial of a function":     {split + "def h(x, scope, receive, send):\n    return f(scope, receive, send)\n" + asgi3 + "app = functools.partial(h, 1)\n", "", "ASGI"},
		"a function that returns":     {asgi3 + "def app(scope, receive, send):\n    return f(scope, receive, send)\n", "", "ASGI"},
		"anything, said to be ASGI":   {asgi3 + "def app(*args):\n    return f(*args)\n", "asgi", "ASGI"},
		"a decorated one, said to be": {asgi3 + split + "@functools.wraps(f)\ndef app(*args, **names):\n    return f(*args, **names)\n", "asgi", "ASGI"},
		"WSGI":                        {wsgi + "app = w\n", "", "WSGI"},
		"WSGI with an option":         {wsgi + "def app(environ, start_response, x=1):\n    return w(environ, start_response)\n", "", "WSGI"},
		"WSGI, said to be":            {wsgi + "app = w\n", "wsgi", "WSGI"},
		"WSGI of a class":             {"class app:\n    def __init__(self, environ, start_response):\n        start_response('200 OK', [])\n    def __iter__(self):\n        yield b'WSGI'\n", "", "WSGI"},
		"a partial of WSGI":           {wsgi + split + "def h(x, environ, start_response):\n    return w(environ, start_response)\napp = functools.partial(h, 1)\n", "", "WSGI"},
		"WSGI of any arguments":       {wsgi + "def app(*args):\n    return w(*args)\n", "", "WSGI"},
		"WSGI, said to be ASGI":       {wsgi + "app = w\n", "asgi", "takes two arguments, as a WSGI application does: leave out --interface asgi"},
		"ASGI, said to be WSGI":       {asgi3 + "app = f\n", "wsgi", "is an ASGI application: leave out --interface wsgi"},
	} {
		t.Run(name, func(t *testing.T) {
			eachASGI(t, row.source, func(a *asgi) {
				a.said = row.said
				ans := a.ask(variables(), "", nil)
				fails := len(row.want) > 4
				if fails {
					require.NotNil(a.t, ans.Problem)
					assert.Contains(a.t, ans.Problem.Text, row.want)
				} else {
					assert.Nil(a.t, ans.Problem, "%v", ans.Problem)
					assert.True(a.t, strings.HasSuffix(ans.sent, "\r\n\r\n"+row.want), "%s", ans.sent)
				}
				w, err := Start(a.config())
				require.NoError(a.t, err)
				rep := w.Load(a.timeout)
				w.Close()
				assert.Equal(a.t, fails, rep.Problem != nil, "the check finds the same: %v", rep.Problem)
				if !fails {
					assert.Equal(a.t, strings.ToLower(row.want), rep.Interface)
				}
			})
		})
	}
}

// TestASGICheck loads an application without a request: its lifespan doesn't begin, and the cache has what a
// request needs.
func TestASGICheck(t *testing.T) {
	eachASGI(t, "print('loaded')\nasync def app(scope, receive, send):\n    print(scope['type'])"+helloASGI, func(a *asgi) {
		for range 2 {
			w, err := Start(a.config())
			require.NoError(a.t, err)
			rep := w.Load(time.Minute)
			w.Close()
			require.Nil(a.t, rep.Problem, "%v", rep.Problem)
		}
		assert.Equal(a.t, "loaded\nloaded\n", a.logged())
		if !strings.Contains(a.python, "pypy") {
			caches, err := filepath.Glob(a.dir + "/start-*.code")
			require.NoError(a.t, err)
			require.Len(a.t, caches, 1)
			code, err := os.ReadFile(caches[0])
			require.NoError(a.t, err)
			assert.Contains(a.t, string(code), "asyncio/base_events.py", "the event loop is cached")
		}
	})
}

// TestASGILoop loads an application that has set an event loop: it is the one that runs.
func TestASGILoop(t *testing.T) {
	eachASGI(t, "import asyncio\nloop = asyncio.new_event_loop()\nasyncio.set_event_loop(loop)\n"+
		"async def app(scope, receive, send):\n    assert asyncio.get_running_loop() is loop"+helloASGI, func(a *asgi) {
		assert.True(a.t, strings.HasSuffix(a.get(), "hello"))
	})
}
