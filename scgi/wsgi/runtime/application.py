"""Find and load the application that the command line names."""
import posix
import sys


class NotFound(Exception):
    """The application is not where the command line says; the message says what to do."""


def load(kind, where, name, cache, site, serve):
    """Return the WSGI callable, or None when a script has served by itself.

    kind is 'file' or 'module', where the path or the dotted name, name the
    callable's name ('' to look for one) with '()' when it is a factory.
    site.run() does what the module site does; serve(app, stderr) is what a script's
    inetd_scgi.run_app calls.
    """
    if kind == 'module':
        site.run()
        sys.path.insert(0, posix.getcwd())
        __import__(where)
        return _callable(sys.modules[where], where, name)
    directory = where.rpartition('/')[0]
    code, imports = _code(where, cache)
    is_script = 'inetd_scgi' in imports
    if len(imports) > is_script:
        site.run()
    sys.path.insert(0, directory)
    if not is_script or name:
        module = _module(where, _name(where))
        exec(code, module.__dict__)
        return _callable(module, where, name)

    # A file that speaks of inetd_scgi is a script, as inetd ran it: it hands
    # its application to run_app, and may do so only if it is __main__.
    from _socketgi import inetd_scgi
    inetd_scgi.serve = serve
    inetd_scgi.called = False
    sys.modules['inetd_scgi'] = inetd_scgi
    sys.argv = [where]
    module = _module(where, '__main__')
    exec(code, module.__dict__)
    if inetd_scgi.called:
        return None
    return _callable(module, where, name)


def _name(path):
    """The name of a file's module: never one that belongs to Python itself."""
    name = path.rpartition('/')[2].rsplit('.', 1)[0].replace('.', '_')
    if name in sys.modules or name in sys.builtin_module_names or name in getattr(sys, 'stdlib_module_names', ()):
        return 'wsgi_' + name
    return name


def _module(path, name):
    module = type(sys)(name)
    module.__file__ = path
    module.__cached__ = None
    sys.modules[name] = module
    return module


def _code(path, cache):
    """The compiled file and what it imports, from the cache when the file is as it was then."""
    st = posix.stat(path)
    state = [path, st.st_mtime_ns, st.st_ctime_ns, st.st_size, st.st_ino, st.st_dev]
    known = cache.get('app')
    if known and known[0] == state:
        return known[1], known[2]
    with open(path, 'rb') as f:
        code = compile(f.read(), path, 'exec', dont_inherit=True)
    imports = sorted(_imports(code))
    cache.put('app', [state, code, imports])
    return code, imports


def _imports(code):
    """The names of all modules that the code imports, at once or in a function."""
    import dis
    names = {i.argval for i in dis.get_instructions(code) if i.opname == 'IMPORT_NAME'}
    return names.union(*(_imports(c) for c in code.co_consts if hasattr(c, 'co_code')))


def _callable(module, where, name):
    factory = name.endswith('()')
    if factory:
        name = name[:-2]
    if name:
        found = module
        for part in name.split('.'):
            found = getattr(found, part, None)
        if found is None:
            raise NotFound('%s has no %r%s' % (where, name, _offer(vars(module))))
    else:
        for name in ('application', 'app'):
            found = getattr(module, name, None)
            if callable(found):
                break
        else:
            for name in ('create_app', 'make_app'):
                found = getattr(module, name, None)
                if callable(found):
                    factory = True
                    break
            else:
                raise NotFound('%s has no callable named application, app, create_app or make_app%s; name it: %s:NAME' %
                               (where, _offer(vars(module)), where))
    if factory:
        if not callable(found):
            raise NotFound('%s:%s can\'t be called, so it is no factory' % (where, name))
        found = found()
    if not callable(found):
        raise NotFound('%s:%s is %s, and a WSGI application is a callable' % (where, name, type(found).__name__))
    return found


def _offer(namespace):
    here = [n for n, v in namespace.items()
            if callable(v) and not n.startswith('_') and getattr(v, '__module__', None) == namespace.get('__name__')]
    return ' (it has %s)' % ', '.join(here[:5]) if here else ''
