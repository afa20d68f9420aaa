"""Find and load the application that the command line names."""
import posix
import sys
from _frozen_importlib import module_from_spec
from _frozen_importlib_external import SourceFileLoader, spec_from_file_location
from _imp import extension_suffixes


class NotFound(Exception):
    """There is no application of the given name; the message contains what to do."""


class Asgi:
    """An application whose interface is ASGI, as a single callable."""

    __slots__ = ('app',)

    def __init__(self, app, double):
        self.app = _single(app) if double else app


def load(kind, where, name, interface, cache, site, serve):
    """Return the WSGI callable, an Asgi, or None when a script has served by itself.

    kind is 'module', where its dotted name; 'file', where the path; or
    'package:MODULE:FOLDER', where the path of a file that is MODULE if FOLDER is in sys.path.
    name is the callable's name ('': search one), with '()' for a factory. interface is 'wsgi' or 'asgi' where that is said, else ''.
    site.run() does what the module site does; serve(app, stderr) is what a script's
    inetd_scgi.run_app calls.
    """
    if kind == 'module':
        site.run()
        try:
            sys.path.insert(0, posix.getcwd())
        except FileNotFoundError:
            raise NotFound('the working directory, which should contain %s, has been deleted' % where) from None
        __import__(where)
        return _callable(sys.modules[where], where, name, interface)
    directory = where.rpartition('/')[0] or '/'
    code, imports = _code(where, cache)
    is_script = 'inetd_scgi' in imports
    if len(imports) > is_script or kind != 'file':
        site.run()
    if kind != 'file' and not is_script:
        _, member, folder = kind.split(':', 2)
        top = member.partition('.')[0]
        if top not in sys.modules and top not in sys.builtin_module_names:
            sys.path.insert(0, folder)
            sys.path.append(directory)  # for imports of files beside it, with the lowest priority
            __import__(member)
            return _callable(sys.modules[member], where, name, interface)
    sys.path.insert(0, directory)
    if not is_script or name:
        module = _module(where, directory)
        exec(code, module.__dict__)
        return _callable(module, where, name, interface)

    # A file that imports inetd_scgi is a script for inetd: it passes its application to run_app, and may do so
    # only if it is __main__.
    from _socketgi import inetd_scgi
    inetd_scgi.serve = serve
    inetd_scgi.called = False
    sys.modules['inetd_scgi'] = inetd_scgi
    sys.argv = [where]
    module = sys.modules['__main__'] = type(sys)('__main__')  # without a spec, as when Python runs it
    module.__file__ = where
    module.__cached__ = None
    module.__loader__ = _Loader('__main__', where)
    exec(code, module.__dict__)
    if inetd_scgi.called:
        return None
    return _callable(module, where, name, interface)


class _Loader(SourceFileLoader):
    """The loader of the application's file. The start cache has its code (_code), so that it writes no .pyc file,
    whose name could be that of another module."""

    def get_code(self, name):
        return self.source_to_code(self.get_data(self.path), self.path)


def _module(path, directory):
    """Return the file's module, before it is executed. Its name is the one under which an import would find the
    file; if no import would, it is a unique name."""
    tail = path.rpartition('/')[2]
    name = tail[:-3]
    if not (tail.endswith('.py') and name.isidentifier() and name not in sys.modules and
            name not in sys.builtin_module_names and not _precedes(directory + '/' + name)):
        name = '_socketgi_' + (tail.rpartition('.')[0] or tail).replace('.', '_')
    module = module_from_spec(spec_from_file_location(name, path, loader=_Loader(name, path)))
    sys.modules[name] = module
    return module


def _precedes(stem):
    """Return whether an import finds a package or an extension before stem.py, as FileFinder does."""
    for end in ['/__init__.py', '/__init__.pyc'] + extension_suffixes():
        try:
            posix.stat(stem + end)
            return True
        except OSError:
            pass
    return False


def _code(path, cache):
    """Return the compiled file and the names of its imports, from the cache if the file is unchanged."""
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
    """The names of all modules that the code imports, at its top level or in a function."""
    import dis
    names = {i.argval for i in dis.get_instructions(code) if i.opname == 'IMPORT_NAME'}
    return names.union(*(_imports(c) for c in code.co_consts if hasattr(c, 'co_code')))


def _callable(module, where, name, interface):
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
            raise NotFound('%s:%s is not callable, so it can\'t be a factory' % (where, name))
        found = found()
    if not callable(found):
        raise NotFound('%s:%s is of type %s, but an application must be callable' % (where, name, type(found).__name__))
    looks = _interface(found)
    if interface == 'wsgi' and looks in ('asgi', 'asgi2'):
        raise NotFound('%s:%s is an ASGI application: leave out --interface wsgi, or name a WSGI application' % (where, name))
    if interface == 'asgi' and looks == 'wsgi':
        raise NotFound('%s:%s takes two arguments, as a WSGI application does: leave out --interface asgi, or name an ASGI application' %
                       (where, name))
    if looks in ('asgi', 'asgi2') or interface == 'asgi':
        return Asgi(found, looks == 'asgi2')
    return found


def _interface(app):
    """What an application looks like: 'asgi', 'asgi2' for the two calls of ASGI 2, 'wsgi', or None where
    nothing tells."""
    if isinstance(app, type):  # an instance of it is the application of one request
        return 'asgi2' if _is_async(app.__call__) else 'wsgi'
    given = 0
    while type(app).__name__ == 'partial' and hasattr(app, 'func'):
        given += len(app.args)
        app = app.func
    for function in app, getattr(app, '__call__', None):  # noqa: B004
        if _is_async(function):
            return 'asgi'
        inner = getattr(function, '__func__', function)
        code = getattr(inner, '__code__', None)
        if code is None or code.co_flags & 4 or given > code.co_argcount:  # inspect.CO_VARARGS
            continue
        defaults = len(inner.__defaults__ or ())
        most = code.co_argcount - given - (inner is not function)
        return {1: 'asgi2', 2: 'wsgi', 3: 'asgi'}.get(most if most <= 2 else max(2, most - defaults))
    return None


def _is_async(function):
    inner = getattr(function, '__func__', function)
    return (getattr(getattr(inner, '__code__', None), 'co_flags', 0) & 0x80  # inspect.CO_COROUTINE
            or hasattr(inner, '_is_coroutine') or hasattr(inner, '_is_coroutine_marker'))


def _single(app):
    async def application(scope, receive, send):
        await app(scope)(receive, send)
    return application


def _offer(namespace):
    here = [n for n, v in namespace.items()
            if callable(v) and not n.startswith('_') and getattr(v, '__module__', None) == namespace.get('__name__')]
    return ' (it has %s)' % ', '.join(here[:5]) if here else ''
