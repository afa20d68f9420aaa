"""The module site, run when it is needed.

site finds and lists directories, reads .pth files and extends sys.path, which takes a quarter of the
time of starting an interpreter. Only imports need that. So Python is started with -S, and this module
does the work of site before the code of an application that imports anything, and otherwise at the
first import.

siterecord.py does the work.
"""
import builtins
import sys


class Site:
    """Does the work of site once: in run(), or at the first import."""

    def __init__(self, cache):
        self.cache = cache
        self.base = sys.path[:]
        builtins.exit = builtins.quit = sys.exit
        sys.meta_path.insert(0, self)

    def find_spec(self, name, path=None, target=None):
        self.run()
        if name in sys.modules:  # site has imported it
            return _Existing.spec(name)
        # The search that called this has a copy of the list of finders, without the new one.
        return sys.modules['_frozen_importlib']._find_spec(name, path, target)

    def run(self):
        if self not in sys.meta_path:
            return
        sys.meta_path.remove(self)
        from _socketgi import siterecord, importcache  # in this order: the second imports the first
        now = sys.path[:]
        sys.path[:] = self.base
        siterecord.run(self.cache, self.base)
        # Entries that the application has added keep their place before or after the others.
        first = next((i for i, p in enumerate(now) if p in self.base), len(now))
        sys.path[:] = now[:first] + sys.path + [p for p in now[first:] if p not in self.base]
        importcache.setup(self.cache)


class _Existing:
    """A loader for a module that is loaded already."""

    def __init__(self, module):
        self.module = module
        self.spec_then = module.__spec__

    @classmethod
    def spec(cls, name):
        module = sys.modules[name]
        spec = sys.modules['_frozen_importlib'].ModuleSpec(name, cls(module))
        module.__spec__ = None  # else importlib uses it, and executes the module again
        return spec

    def create_module(self, spec):
        return self.module

    def exec_module(self, module):
        module.__spec__ = self.spec_then
