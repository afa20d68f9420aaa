"""The module site, as the interpreter runs it at every start, from a record.

site looks for directories, lists them, reads .pth files and adds to sys.path: a
quarter of the time that a bare interpreter takes. All of that is about imports, so
Python is started with -S, and this does it before the code of an application that
imports anything; for one that doesn't, at the first import if there is one after all.

What an earlier start recorded is done again from the record, as long as each
directory and .pth file that had a say is unchanged. What .pth files execute,
sitecustomize and usercustomize is executed either way.
"""
import builtins
import posix
import sys

_ENVIRONMENT = (b'HOME', b'PYTHONPATH', b'PYTHONHOME', b'PYTHONUSERBASE', b'PYTHONNOUSERSITE')


class Site:
    """Does what site does, once: by run(), or when something is imported."""

    def __init__(self, cache):
        self.cache = cache
        self.base = sys.path[:]
        builtins.exit = builtins.quit = sys.exit
        sys.meta_path.insert(0, self)

    def find_spec(self, name, path=None, target=None):
        self.run()
        if name in sys.modules:  # site has imported it meanwhile
            return _Existing.spec(name)
        # The search that asks this goes on with the finders that there were before.
        return sys.modules['_frozen_importlib']._find_spec(name, path, target)

    def run(self):
        if self not in sys.meta_path:
            return
        sys.meta_path.remove(self)
        identity = [sys.executable, self.base, [posix.environ.get(name) for name in _ENVIRONMENT], posix.geteuid()]
        record = self.cache.get('site')
        now = sys.path[:]
        sys.path[:] = self.base
        if record and record['identity'] == identity and all(_mtime(p) == t for p, t in record['watch']):
            _replay(record)
        else:
            import site
            site.main()
            self.cache.put('site', _record(site, identity))
        # What the application has added meanwhile stays on its side of the rest.
        first = next((i for i, p in enumerate(now) if p in self.base), len(now))
        sys.path[:] = now[:first] + sys.path + [p for p in now[first:] if p not in self.base]
        from _socketgi import importcache
        importcache.setup(self.cache)


class _Existing:
    """A loader for a module that is there already."""

    def __init__(self, module):
        self.module = module
        self.spec_then = module.__spec__

    @classmethod
    def spec(cls, name):
        module = sys.modules[name]
        spec = sys.modules['_frozen_importlib'].ModuleSpec(name, cls(module))
        module.__spec__ = None  # else importlib takes that one, and executes the module again
        return spec

    def create_module(self, spec):
        return self.module

    def exec_module(self, module):
        module.__spec__ = self.spec_then


def _mtime(path):
    try:
        return posix.stat(path).st_mtime_ns
    except OSError:
        return None


def _record(site, identity):
    directories = list(site.getsitepackages())
    if site.ENABLE_USER_SITE is not False:
        directories.append(site.getusersitepackages())
    watch = [sys.prefix + '/pyvenv.cfg', sys.executable.rpartition('/')[0] + '/pyvenv.cfg']
    lines = []
    for directory in directories:
        watch.append(directory)
        try:
            names = sorted(name for name in posix.listdir(directory) if name.endswith('.pth'))
        except OSError:
            continue
        for name in names:
            path = directory + '/' + name
            watch.append(path)
            lines.extend(_executed(path))
    return {
        'identity': identity,
        'path': sys.path[:],
        'prefix': (sys.prefix, sys.exec_prefix),
        'lines': lines,
        'user': bool(site.ENABLE_USER_SITE),
        'watch': [(path, _mtime(path)) for path in watch],
    }


def _executed(path):
    """The lines of a .pth file that site executes rather than adds to sys.path."""
    try:
        with open(path, encoding='utf-8-sig', errors='surrogateescape') as f:
            for line in f:
                if line.startswith(('import ', 'import\t')):
                    yield path, compile(line, path, 'exec', dont_inherit=True)
    except (OSError, ValueError, SyntaxError):
        pass  # site has said so on standard error


def _replay(record):
    sys.path[:] = record['path']
    sys.prefix, sys.exec_prefix = record['prefix']
    import _sitebuiltins
    builtins.quit = _sitebuiltins.Quitter('quit', 'Ctrl-D (i.e. EOF)')
    builtins.exit = _sitebuiltins.Quitter('exit', 'Ctrl-D (i.e. EOF)')
    builtins.help = _sitebuiltins._Helper()
    for path, code in record['lines']:
        try:
            _execute(path.rpartition('/')[0], code)
        except Exception as e:
            print('%s: %s: %s' % (path, type(e).__name__, e), file=sys.stderr)
    _customize('sitecustomize')
    if record['user']:
        _customize('usercustomize')


def _execute(sitedir, code):
    """Execute a line where it looks for sitedir: in its caller, as in site."""
    exec(code, {'__builtins__': builtins, 'sys': sys})


def _customize(name):
    try:
        __import__(name)
    except ImportError as e:
        if e.name != name:
            print('%s: %s' % (name, e), file=sys.stderr)
    except Exception as e:
        print('%s: %s: %s' % (name, type(e).__name__, e), file=sys.stderr)
