"""What the module site did, recorded and done again.

What an earlier start recorded is done again from the record, as long as each
directory and .pth file that had a say is unchanged. What .pth files execute,
sitecustomize and usercustomize is executed either way.
"""
import builtins
import posix
import sys

_ENVIRONMENT = (b'HOME', b'PYTHONPATH', b'PYTHONHOME', b'PYTHONUSERBASE', b'PYTHONNOUSERSITE')


def run(cache, base):
    """Do what site does with sys.path as it is, which is base."""
    identity = [sys.executable, base, [posix.environ.get(name) for name in _ENVIRONMENT], posix.geteuid()]
    record = cache.get('site')
    if record and record['identity'] == identity and all(mtime(p) == t for p, t in record['watch']):
        _replay(record)
        return
    import site
    site.main()
    cache.put('site', _record(site, identity))


def mtime(path):
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
        'watch': [(path, mtime(path)) for path in watch],
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
