"""The module site, as the interpreter runs it at every start: later, and from a record.

site looks for directories, lists them, reads .pth files and adds to sys.path: a
quarter of the time that a bare interpreter takes. All of that is about imports, so
Python is started with -S and this does it at the application's first import; an
application that imports nothing doesn't need it.

What an earlier start recorded is done again from the record, as long as each
directory and .pth file that had a say is unchanged. What .pth files execute,
sitecustomize and usercustomize is executed either way.
"""
import builtins
import posix
import sys

_ENVIRONMENT = (b'HOME', b'PYTHONPATH', b'PYTHONHOME', b'PYTHONUSERBASE', b'PYTHONNOUSERSITE')


def setup(cache):
    """Do what site does before the next import."""
    builtins.exit = builtins.quit = sys.exit
    sys.meta_path.insert(0, _FirstImport(cache))


class _FirstImport:
    """A finder that finds nothing, but is asked before every other."""

    def __init__(self, cache):
        self.cache = cache
        self.base = sys.path[:]

    def find_spec(self, name, path=None, target=None):
        sys.meta_path.remove(self)
        self.site()
        from _socketgi import importcache
        importcache.setup(self.cache)
        # The search that asks this goes on with the finders that there were before.
        return sys.modules['_frozen_importlib']._find_spec(name, path, target)

    def site(self):
        identity = [sys.executable, self.base, [posix.environ.get(name) for name in _ENVIRONMENT], posix.geteuid()]
        record = self.cache.get('site')
        if record and record['identity'] == identity and all(_mtime(p) == t for p, t in record['watch']):
            _replay(record, self.base)
            return
        added = set(sys.path).difference(self.base)
        import site
        site.main()
        self.cache.put('site', _record(site, identity, added))


def _mtime(path):
    try:
        return posix.stat(path).st_mtime_ns
    except OSError:
        return None


def _record(site, identity, added):
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
        'path': [p for p in sys.path if p not in added],
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


def _replay(record, base):
    # What the application has added meanwhile stays on its side of the rest.
    first = next((i for i, p in enumerate(sys.path) if p in base), len(sys.path))
    sys.path[:] = sys.path[:first] + record['path'] + [p for p in sys.path[first:] if p not in base]
    sys.prefix, sys.exec_prefix = record['prefix']
    import _sitebuiltins
    builtins.quit = _sitebuiltins.Quitter('quit', 'Ctrl-D (i.e. EOF)')
    builtins.exit = _sitebuiltins.Quitter('exit', 'Ctrl-D (i.e. EOF)')
    builtins.help = _sitebuiltins._Helper()
    for path, code in record['lines']:
        try:
            exec(code, {'__builtins__': builtins, 'sys': sys})
        except Exception as e:
            print('%s: %s: %s' % (path, type(e).__name__, e), file=sys.stderr)
    _customize('sitecustomize')
    if record['user']:
        _customize('usercustomize')


def _customize(name):
    try:
        __import__(name)
    except ImportError as e:
        if e.name != name:
            print('%s: %s' % (name, e), file=sys.stderr)
    except Exception as e:
        print('%s: %s: %s' % (name, type(e).__name__, e), file=sys.stderr)
