"""A record of the changes that the module site made.

They are repeated from the record while the directories and .pth files that site has read are
unchanged. sitecustomize and usercustomize are executed in both cases. If a .pth file contains code,
site itself runs.
"""
import builtins
import posix
import sys

_ENVIRONMENT = (b'HOME', b'PYTHONPATH', b'PYTHONHOME', b'PYTHONUSERBASE', b'PYTHONNOUSERSITE')


def run(cache, base):
    """Do the work of site. base is the present sys.path."""
    identity = [sys.executable, base, [posix.environ.get(name) for name in _ENVIRONMENT], posix.geteuid()]
    record = cache.get('site')
    if record and record['identity'] == identity and all(state(p) == s for p, s in record['watch']):
        _replay(record)
    else:
        import site
        site.main()
        new = _record(site, identity)
        if new or record:
            cache.put('site', new)
        record = new
    if record:
        cache.before_settled(lambda: all(state(p) == s for p, s in record['watch']))


def state(path):
    """Return a value that changes with a file, with the entries of a directory, and if either is replaced."""
    try:
        st = posix.stat(path)
    except OSError:
        return None
    return st.st_mtime_ns, st.st_ino


def _record(site, identity):
    directories = list(site.getsitepackages())
    if site.ENABLE_USER_SITE is not False:
        directories.append(site.getusersitepackages())
    watch = [sys.prefix + '/pyvenv.cfg', sys.executable.rpartition('/')[0] + '/pyvenv.cfg']
    for directory in directories:
        watch.append(directory)
        try:
            watch.extend(directory + '/' + name for name in posix.listdir(directory) if name.endswith('.pth'))
        except OSError:
            continue
    record = {
        'identity': identity,
        'path': sys.path[:],
        'prefix': (sys.prefix, sys.exec_prefix),
        'user': bool(site.ENABLE_USER_SITE),
        'watch': [(path, state(path)) for path in watch],
    }
    return None if any(path.endswith('.pth') and _may_have_code(path) for path in watch) else record


def _may_have_code(path):
    """Return whether a .pth file may have a line that site executes: it begins with import."""
    try:
        with open(path, 'rb') as f:
            return b'import' in f.read()
    except OSError:
        return True


def _replay(record):
    sys.path[:] = record['path']
    sys.prefix, sys.exec_prefix = record['prefix']
    import _sitebuiltins
    builtins.quit = _sitebuiltins.Quitter('quit', 'Ctrl-D (i.e. EOF)')
    builtins.exit = _sitebuiltins.Quitter('exit', 'Ctrl-D (i.e. EOF)')
    builtins.help = _sitebuiltins._Helper()
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
