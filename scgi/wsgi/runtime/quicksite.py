"""The module site, as the interpreter runs it at every start, from a record.

site looks for directories, lists them, reads .pth files and adds to sys.path:
a quarter of the time that a bare interpreter takes. Python is started with -S
and this does the same from what an earlier start recorded, as long as each
directory and .pth file that had a say is unchanged. What a .pth file executes,
sitecustomize and usercustomize are executed here as well.
"""
import builtins
import posix
import sys

_ENVIRONMENT = (b'HOME', b'PYTHONPATH', b'PYTHONHOME', b'PYTHONUSERBASE', b'PYTHONNOUSERSITE')


def _identity():
    return [sys.executable, sys.path[:], [posix.environ.get(name) for name in _ENVIRONMENT], posix.geteuid()]


def _mtime(path):
    try:
        return posix.stat(path).st_mtime_ns
    except OSError:
        return None


def setup(cache):
    record = cache.get('site')
    if record and record['identity'] == _identity() and all(_mtime(p) == t for p, t in record['watch']):
        _replay(record)
        return
    identity = _identity()
    import site
    site.main()
    cache.put('site', _record(site, identity))


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
