"""Load the runtime's modules, from cached code or from their sources.

boot.py is what python -c runs. Its arguments are CACHE VERSION ...; VERSION is a
checksum of the runtime, CACHE a file that an earlier worker wrote (see
startcache.py), "" for none. Cached code is code, so it counts only if the owner
of this process or root wrote it and nobody else can. Without it boot.py reads
the sources from descriptor 4: NAME NUL SOURCE NUL ..., this file first.

boot.py turns the garbage collector off: loading makes many objects and hardly
any garbage. And it takes away the '' that -c puts into sys.path. Then it
executes this with start (what it found, or None), version and sources.
"""
import posix
import sys


def compiled():
    def code(name, text):
        return compile(text, '<socketgi>/' + name.decode() + '.py', 'exec', 0, True, 2)
    return {
        'version': version,
        'load': code(*sources[:2]),
        'modules': [(name.decode(), code(name, text)) for name, text in zip(sources[2::2], sources[3::2])],
        'site': None,
        'app': None,
    }


def load():
    package = type(sys)('_socketgi')
    package.__path__ = []
    sys.modules['_socketgi'] = package
    for name, code in start['modules']:
        module = type(sys)('_socketgi.' + name)
        sys.modules[module.__name__] = module
        setattr(package, name, module)
        exec(code, module.__dict__)
    posix.close(4)
    return module


fresh = start is None
if fresh:
    start = compiled()
load().main(start, fresh)
