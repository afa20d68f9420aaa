"""The module site, as the interpreter runs it at every start, later.

site looks for directories, lists them, reads .pth files and adds to sys.path: a
quarter of the time that a bare interpreter takes. All of that is about imports, so
Python is started with -S, and this does it before the code of an application that
imports anything; for one that doesn't, at the first import if there is one after all.

siterecord.py says how.
"""
import builtins
import sys


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
        from _socketgi import siterecord, importcache  # in this order: the second wants the first
        now = sys.path[:]
        sys.path[:] = self.base
        siterecord.run(self.cache, self.base)
        # What the application has added meanwhile stays on its side of the rest.
        first = next((i for i, p in enumerate(now) if p in self.base), len(now))
        sys.path[:] = now[:first] + sys.path + [p for p in now[first:] if p not in self.base]
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
