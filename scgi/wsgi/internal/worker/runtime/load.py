"""Load the runtime's modules, from cached code or from their sources.

Compiling takes time, so the program of python -c is short (runtime.go). It reads
descriptor 4: cached code for exactly this Python, or nothing. Cached code is a dict
that becomes the globals of this file's code. Without it, this file is compiled from
descriptor 5, where the sources of the other modules follow it as NAME NUL SOURCE NUL
..., and 'modules' is not in the globals.
"""
import gc
import marshal
import posix
import sys


def compiled():
    def code(name, text):
        # 2 removes the docstrings.
        return compile(text, '<socketgi>/' + name + '.py', 'exec', 0, True, 2)
    sources = posix.read(5, 1 << 20).split(b'\0')
    modules = [(name.decode(), code(name.decode(), text)) for name, text in zip(sources[::2], sources[1::2])]
    return {
        'load': code('load', load),  # type: ignore[name-defined]  # noqa: F821  # text of this file
        'modules': [(name, marshal.dumps(text) if name in LATE else text) for name, text in modules],
        'site': None,
        'app': None,
        'imports': None,
    }


def execute(modules):
    """Execute the modules, and return the last one. The late ones are executed when they are imported."""
    package = type(sys)('_socketgi')
    package.__path__ = []
    sys.modules['_socketgi'] = package

    def run(name, code):
        module = type(sys)('_socketgi.' + name)
        sys.modules[module.__name__] = module
        setattr(package, name, module)
        exec(code, module.__dict__)
        return module

    def late(name):
        code = dict(modules).get(name)
        if type(code) is not bytes:
            raise AttributeError(name)
        return run(name, marshal.loads(code))
    package.__getattr__ = late
    for name, code in modules:
        if name not in LATE:
            module = run(name, code)
    return module


# The modules for applications that import modules, fail, or are warm.
LATE = ('siterecord', 'importcache', 'hints', 'files', 'warming', 'touching', 'parent', 'stream', 'board',
        'fastlane', 'accept', 'requestlog', 'places', 'asgihttp', 'websocket', 'asgisocket', 'lifespan', 'asgi', 'asgiworker')


gc.disable()  # loading makes many objects and hardly any garbage
if sys.path[:1] == ['']:
    del sys.path[0]  # -c puts it there
fresh = 'modules' not in globals()
start = compiled() if fresh else {name: globals()[name] for name in ('load', 'modules', 'site', 'app', 'imports')}
posix.close(4)
posix.close(5)
execute(start['modules']).main(start, fresh)
