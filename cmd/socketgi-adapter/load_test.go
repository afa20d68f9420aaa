package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tree writes files below a new folder, by path and text.
func tree(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

// answers is the text of an application that answers with an expression.
func answers(expression string) string {
	return "\ndef application(e, s):\n    s('200 OK', [])\n    return [str(" + expression + ").encode()]\n"
}

// TestNames holds which modules sys.modules has: under a name is what an import of that name finds,
// and a file that none finds displaces nothing.
func TestNames(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, python string) {
		pkg := answers("'package ' + __name__")
		imports := "from shop import application\n"
		for name, c := range map[string]struct {
			app   string
			files map[string]string
			want  string
		}{
			"wsgi":             {"shop.wsgi", map[string]string{"shop.wsgi": imports, "shop/__init__.py": pkg}, "package shop"},
			"fcgi of a module": {"shop.fcgi", map[string]string{"shop.fcgi": imports, "shop.py": pkg}, "package shop"},
			"extensionless":    {"bin/shop", map[string]string{"bin/shop": imports, "bin/shop.py": pkg}, "package shop"},
			"beside a package": {"shop.py", map[string]string{"shop.py": imports, "shop/__init__.py": pkg}, "package shop"},
			"of the standard library": {"calendar.wsgi", map[string]string{
				"calendar.wsgi": "import calendar" + answers("calendar.timegm((1970, 1, 1, 0, 0, 1, 0))")}, "1"},
			"of another file": {"app.wsgi", map[string]string{"app.wsgi": "from wsgi_app import application", "wsgi_app.py": pkg}, "package wsgi_app"},
			"loaded already":  {"types.py", map[string]string{"types.py": "import types" + answers("hasattr(types, 'FunctionType')")}, "True"},
			"imported back": {"shop.py", map[string]string{"shop.py": "words = ['shop']\nimport part" + answers("words"),
				"part.py": "import shop\nshop.words.append(shop.__name__)\n"}, "['shop', 'shop']"},
			"pickled":                {"shop.py", map[string]string{"shop.py": "import pickle\nclass C: pass" + answers("pickle.loads(pickle.dumps(C)) is C")}, "True"},
			"pickled without a name": {"shop.wsgi", map[string]string{"shop.wsgi": "import pickle\nclass C: pass" + answers("pickle.loads(pickle.dumps(C)) is C")}, "True"},
		} {
			t.Run(name, func(t *testing.T) {
				a := &invocation{t: t, args: []string{"--python", python, filepath.Join(tree(t, c.files), c.app)}}
				got := a.get("/")
				assert.Equal(t, c.want, got.body, "%s", got.log)
			})
		}
	})
}

// TestSpec has an application look at itself: it sees what it would see if it were imported.
func TestSpec(t *testing.T) {
	t.Parallel()
	const text = `
import importlib.machinery, importlib.util, inspect, pkgutil, sys

def seen():
    spec = importlib.util.find_spec(__name__)
    if sys.version_info >= (3, 12):
        from importlib import resources
        resource = resources.files(__name__).joinpath('data.txt').read_text()
    else:
        resource = 'data'
    return (pkgutil.get_data(__name__, 'data.txt'), resource, inspect.getsource(seen).splitlines()[0], inspect.getsourcefile(seen),
            spec is __spec__, spec.origin, spec.has_location, spec.cached, spec.parent, spec.submodule_search_locations,
            __loader__ is spec.loader, isinstance(__loader__, importlib.machinery.SourceFileLoader), __loader__.get_source(__name__) is not None,
            __loader__.get_code(__name__).co_filename, __loader__.get_filename(__name__), __loader__.is_package(__name__),
            __file__, __package__, globals().get('__cached__'))

def square(n):
    return n * n

def application(e, s):
    s('200 OK', [])
    if e['PATH_INFO'] == '/spawn':
        import multiprocessing
        with multiprocessing.get_context('spawn').Pool(1) as pool:
            return [str(pool.map(square, [1, 2, 3])).encode()]
    return [repr(seen()).encode()]
`
	eachVersion(t, func(t *testing.T, python string) {
		dir := tree(t, map[string]string{"shop.py": text, "shop.wsgi": text, "data.txt": "data"})
		plain := strings.TrimSpace(output(t, python, "-c", "import sys; sys.path.insert(0, "+quoted(dir)+"); import shop; print(shop.seen())"))
		a := &invocation{t: t, args: []string{"--python", python, "--cache", t.TempDir(), dir + "/shop.py"}}
		for range 2 { // from the source, and from the cache
			got := a.get("/")
			assert.Equal(t, plain, got.body, "%s", got.log)
		}
		assert.Equal(t, "[1, 4, 9]", a.get("/spawn").body)

		a.args[len(a.args)-1] = dir + "/shop.wsgi"
		plain = strings.ReplaceAll(plain, dir+"/shop.py", dir+"/shop.wsgi")
		got := a.get("/")
		cached := strings.TrimSpace(output(t, python, "-c", "import importlib.util; print(importlib.util.cache_from_source("+quoted(dir+"/shop.py")+"))"))
		assert.Equal(t, strings.ReplaceAll(plain, quoted(cached), "None"), got.body, "%s", got.log)
	})
}

// TestPackageFile serves files that are part of a package, as what they are when they are imported.
func TestPackageFile(t *testing.T) {
	t.Parallel()
	const settings = "debug = True\n"
	eachVersion(t, func(t *testing.T, python string) {
		for name, c := range map[string]struct {
			app   string
			files map[string]string
			want  string
		}{
			"absolute": {"shop/wsgi.py", map[string]string{"shop/__init__.py": "", "shop/settings.py": settings,
				"shop/wsgi.py": "import importlib\nimportlib.import_module('shop.settings')" + answers("__name__")}, "shop.wsgi"},
			"relative": {"shop/web/wsgi.py", map[string]string{"shop/__init__.py": settings, "shop/web/__init__.py": "",
				"shop/web/wsgi.py": "from .. import debug" + answers("(__name__, __package__, debug)")}, "('shop.web.wsgi', 'shop.web', True)"},
			"the package itself": {"shop/__init__.py", map[string]string{"shop/settings.py": settings,
				"shop/__init__.py": "from . import settings" + answers("(__name__, settings.debug)")}, "('shop', True)"},
			// As in Django's own example for Celery: the name is that of what it imports.
			"called as what it imports": {"shop/wsgi.py", map[string]string{"shop/__init__.py": "", "shop/json.py": "import json\ndumps = json.dumps",
				"shop/wsgi.py": "from .json import dumps" + answers("dumps([])")}, "[]"},
			"imports a neighbour": {"shop/app.py", map[string]string{"shop/__init__.py": "", "shop/settings.py": settings,
				"shop/app.py": "import settings" + answers("settings.debug")}, "True"},
			"no name for a package": {"my-shop/app.py", map[string]string{"my-shop/__init__.py": "", "my-shop/settings.py": settings,
				"my-shop/app.py": "import settings" + answers("__name__")}, "app"},
			"the name of another": {"site/app.py", map[string]string{"site/__init__.py": "", "site/settings.py": settings,
				"site/app.py": "import settings" + answers("__name__")}, "app"},
			"no module": {"shop/app.wsgi", map[string]string{"shop/__init__.py": "", "shop/settings.py": settings,
				"shop/app.wsgi": "import settings" + answers("__name__")}, "_socketgi_app"},
			"script": {"shop/app.py", map[string]string{"shop/__init__.py": "",
				"shop/app.py": "import inetd_scgi" + answers("__name__") + "inetd_scgi.run_app(application)\n"}, "__main__"},
		} {
			t.Run(name, func(t *testing.T) {
				a := &invocation{t: t, args: []string{"--python", python, filepath.Join(tree(t, c.files), c.app)}}
				got := a.get("/")
				assert.Equal(t, c.want, got.body, "%s", got.log)
			})
		}
		// In a folder that every user can write, no modules are searched.
		dir := tree(t, map[string]string{"shop/__init__.py": "", "shop/app.py": answers("__name__")})
		require.NoError(t, os.Chmod(dir, 0o777))
		assert.Equal(t, "app", (&invocation{t: t, args: []string{"--python", python, dir + "/shop/app.py"}}).get("/").body)
	})
}

// TestHints has mistakes that are often made, and what the log says to do.
func TestHints(t *testing.T) {
	t.Parallel()
	// On one line with the error, which is what others show of a traceback.
	const cgi = "#!/usr/bin/python3\nprint('Content-Type: text/plain')\nprint()\nprint('hello')\n"
	eachVersion(t, func(t *testing.T, python string) {
		for name, c := range map[string]struct {
			app   string // "": a module in the folder that is the working directory
			files map[string]string
			want  string
		}{
			"absolute import": {"shop/wsgi.py", map[string]string{"shop/wsgi.py": "import shop.settings"},
				"No module named 'shop' (the file is part of package shop: use shop.wsgi:application in DIR)\n"},
			"of the package above": {"shop/web/wsgi.py:app", map[string]string{"shop/web/wsgi.py": "import shop.settings"},
				"No module named 'shop' (the file is part of package shop: use shop.web.wsgi:app in DIR)\n"},
			"relative import": {"shop/wsgi.py", map[string]string{"shop/wsgi.py": "from . import settings"},
				"(the file is part of package shop: use shop.wsgi:application in DIR)\n"},
			"in the wrong folder": {"wsgi", map[string]string{"shop/wsgi.py": "import shop.settings"},
				"No module named 'shop' (the file is part of package shop: use shop.wsgi:application in DIR)\n"},
			"src layout": {"shop/wsgi.py", map[string]string{"shop/wsgi.py": "import sales", "shop/src/sales/__init__.py": ""},
				"No module named 'sales' (sales is in DIR/shop/src, which is not in sys.path: install it with INTERPRETER -m pip install DIR/shop, or set PYTHONPATH=DIR/shop/src)\n"},
			"src layout, a module": {"sales.wsgi", map[string]string{"shop/src/sales/wsgi.py": ""},
				"No module named 'sales' (sales is in DIR/shop/src, which is not in sys.path: "},
			"CGI": {"cgi.py", map[string]string{"cgi.py": cgi}, "name it: DIR/cgi.py:NAME (it looks like a CGI program: use --cgi)\n"},
			"CGI that exits": {"cgi-bin/hello", map[string]string{"cgi-bin/hello": cgi + "import sys; sys.exit(0)\n"},
				"the application called sys.exit(0) while it was loaded (it looks like a CGI program: use --cgi)\n"},
			"CGI in Perl": {"cgi-bin/hello", map[string]string{"cgi-bin/hello": "#!/usr/bin/perl -w\nuse strict;\nprint \"Content-Type: text/plain\\n\\n\";\n"},
				" (its first line names the interpreter /usr/bin/perl -w: for a CGI program, use --cgi)\n"},
			"syntax":                 {"app.py", map[string]string{"app.py": "\nx = = 1\n"}, " (DIR/app.py, line 2)\n"},
			"syntax of another file": {"app.py", map[string]string{"app.py": "import shop.part", "shop/part.py": "x = = 1"}, " (DIR/shop/part.py, line 1)\n"},
			"an archive": {"bin/app.pyz", map[string]string{"bin/app.pyz": "#!/usr/bin/python3\nPK\x03\x04\x00\x00__main__.py"},
				" (DIR/bin/app.pyz is an archive: set PYTHONPATH=DIR/bin/app.pyz, and name a module in it)\n"},
			"compiled":  {"bin/app.pyc", map[string]string{"bin/app.pyc": "\xa7\r\r\n\x00\x00\x00\x00\xe3"}, " (DIR/bin/app.pyc is compiled: name the source, or the module)\n"},
			"in UTF-16": {"app.py", map[string]string{"app.py": "\xff\xfex\x00=\x001\x00"}, " (DIR/app.py is in UTF-16: save it in UTF-8)\n"},
			"binary":    {"app.py", map[string]string{"app.py": "x = 1\x00"}, " (DIR/app.py is not a text file: it contains NUL bytes)\n"},
			"a link": {"app.py", map[string]string{"app.py": "", "shop/app.py": "import part", "shop/part.py": ""},
				"No module named 'part' (part is in DIR/shop, and DIR/app.py is a symbolic link to a file there: use DIR/shop/app.py)\n"},
			"one of Python's own": {"site/app.py", map[string]string{"site/app.py": "import site.settings", "site/settings.py": ""},
				"'site' is not a package (site is a module of the standard library: rename the package)\n"},
			"none of these": {"app.py", map[string]string{"app.py": "import no_such_module_at_all"}, "No module named 'no_such_module_at_all'\n"},
			"neither":       {"app.py", map[string]string{"app.py": "x = 'content-type:'"}, "name it: DIR/app.py:NAME\n"},
		} {
			t.Run(name, func(t *testing.T) {
				dir := tree(t, c.files)
				require.NoError(t, os.MkdirAll(dir+"/shop", 0o700))
				if name == "a link" {
					require.NoError(t, os.Remove(dir+"/app.py"))
					require.NoError(t, os.Symlink("shop/app.py", dir+"/app.py"))
				}
				a := &invocation{t: t, args: []string{"--python", python, filepath.Join(dir, c.app)}}
				if !strings.ContainsAny(c.app, "/-") && !strings.HasSuffix(c.app, ".py") {
					a.dir, a.args[2] = dir+"/shop", c.app
				}
				got := a.get("/")
				assert.Equal(t, 500, got.status)
				want := strings.NewReplacer("DIR", dir, "INTERPRETER", python).Replace(c.want)
				assert.Contains(t, got.log, want)
			})
		}
	})
}
