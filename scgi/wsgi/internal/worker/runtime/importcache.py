"""Imports from a record of the places and the code of modules.

For every module, Python searches sys.path, then opens and checks its .pyc file. A framework has
hundreds of modules. Without .pyc files, as in a folder that the application's user can't write, each
would be compiled again. The record contains the place and the code of each module that an earlier
start has imported.

It is used for a module only while its source is unchanged, and while the folders that are searched
for it, up to its own, contain the same modules. For other modules this finder returns None, and the
import proceeds as usual.
"""
import marshal
import posix
import sys
from _frozen_importlib_external import PathFinder, SourceFileLoader, spec_from_file_location

from _socketgi.siterecord import state as folder_state


def setup(cache):
    """Put the finder before the one that searches sys.path."""
    if cache.path and sys.implementation.name == 'cpython':
        sys.meta_path.insert(sys.meta_path.index(PathFinder), Finder(cache))


def _state(path):
    """Return a value that changes with a file. It is stricter than the check of a .pyc file."""
    try:
        st = posix.stat(path)
    except OSError:
        return None
    return st.st_mtime_ns, st.st_ctime_ns, st.st_size, st.st_ino, st.st_dev  # two releases may be of one tick


_NONCE = 16


def _offers(folder):
    """Return a number that changes when a file that can be imported is added to a folder or removed."""
    try:
        names = sorted(name for name in posix.listdir(folder) if name.endswith(('.py', '.pyc', '.so'))
                       or '.' not in name and name != '__pycache__')
    except OSError:
        return None
    return int.from_bytes('\0'.join(names).encode('utf-8', 'surrogateescape'), 'big') % ((1 << 127) - 1)


class Loader(SourceFileLoader):
    """A loader of source files that takes the code from the record."""

    def __init__(self, name, path, finder):
        super().__init__(name, path)
        self.finder = finder

    def get_code(self, name):
        return self.finder.code(name) or super().get_code(name)


class Finder:
    """The record: {'blob': identity, 'folders': {path: [state, _offers(path)]}, 'modules': {name: entry}}.

    An entry is (source, its state, is it a package, offset, length). Offset and length are those of
    the code in the blob, which is a file. The blob begins with random bytes that identify it, so that
    a record is never used with another blob.
    """

    def __init__(self, cache):
        self.cache = cache
        self.folders = {}  # the states of folders at their first check
        self.same = {}
        self.blob = -1
        self.identity = None
        self.hooks = sys.path_hooks[:]
        record = cache.get('imports')
        if record and self._open(record['blob']):
            self.known, self.modules, self.identity = record['folders'], record['modules'], record['blob']
        else:
            self.known, self.modules = {}, {}
        cache.before_save(self.save)
        cache.before_settled(self.settled)

    def _open(self, identity):
        try:
            self.blob = posix.open(self.cache.path + '.code', posix.O_RDONLY | posix.O_CLOEXEC | posix.O_NOFOLLOW)  # type: ignore[attr-defined]
        except OSError:
            return False
        st = posix.fstat(self.blob)
        if st.st_uid not in (0, posix.geteuid()) or st.st_mode & 0o022:
            return False
        return [st.st_size, posix.pread(self.blob, _NONCE, 0)] == identity

    def _unchanged(self, folder):
        if folder not in self.folders:
            self.folders[folder] = now = folder_state(folder)
            then, offers = self.known.get(folder, (-1, None))
            # Most changes are of other files: data, temporary files of editors, __pycache__.
            self.same[folder] = now == then or offers is not None and offers == _offers(folder)
        return self.same[folder]

    def find_spec(self, name, path=None, target=None):
        entry = self.modules.get(name)
        if entry is None:
            return None
        source, state, package = entry[:3]
        home = source.rpartition('/')[0]
        if package:
            home = home.rpartition('/')[0]
        if sys.path_hooks != self.hooks:
            return None  # the application has installed its own finders
        for folder in sys.path if path is None else path:
            if type(folder) is not str or folder[:1] != '/' or not self._unchanged(folder):
                return None
            if folder == home:
                break
        else:
            return None
        if _state(source) != state:
            return None
        return spec_from_file_location(name, source, loader=Loader(name, source, self),
                                       submodule_search_locations=[source.rpartition('/')[0]] if package else None)

    def code(self, name):
        """Return the code of a module, or None if it can't be read: then its file is loaded as usual."""
        offset, length = self.modules[name][3:]
        try:
            return marshal.loads(posix.pread(self.blob, length, offset))
        except Exception:
            return None  # the application may have closed the descriptor

    def save(self):
        """Record new imports."""
        # Not with getattr, which would load a lazy module.
        specs = {name: module.__dict__.get('__spec__') for name, module in list(sys.modules.items())
                 if type(module) is type(sys)}
        loaded = {name: spec for name, spec in specs.items() if type(getattr(spec, 'loader', None)) is SourceFileLoader}
        entries = {name: self._entry(name, spec) for name, spec in loaded.items()}
        new = {name: entry for name, entry in entries.items() if entry and self.modules.get(name, ())[:3] != entry}
        for spec in loaded.values():
            self._unchanged(spec.origin.rpartition('/')[0])  # type: ignore[union-attr]
        for folder in sys.path:
            if type(folder) is str:
                self._unchanged(folder)
        modules = self.modules
        if not all(self.same[folder] for folder in self.folders if folder in self.known):
            # A module that wasn't imported this time may be hidden by a new one in a changed folder.
            modules = {name: entry for name, entry in modules.items()
                       if getattr(specs.get(name), 'origin', None) == entry[0]}
        folders = {**self.known, **{folder: self._folder(folder, then) for folder, then in self.folders.items()
                                    if self.known.get(folder, (-1, None))[0] != then}}
        if new or folders != self.known:
            if new:
                modules = self._write(loaded, new, modules)
            self.cache.put('imports', {'blob': self.identity, 'folders': folders, 'modules': modules})

    def settled(self):
        """Return whether the folders are unchanged since their first check. The next start would not
        use the record of a changed one. Python writes .pyc files into them."""
        return all(folder_state(folder) == then for folder, then in self.folders.items())

    def _folder(self, folder, then):
        """Return the record of a folder, without its modules if it has changed since its check."""
        offers = _offers(folder)
        return then, offers if folder_state(folder) == then else None

    def _entry(self, name, spec):
        if name != spec.name or not spec.origin or self._hidden(name, spec):
            return None
        state = _state(spec.origin)
        return state and (spec.origin, state, bool(spec.submodule_search_locations))

    def _hidden(self, name, spec):
        """Return whether there is a folder of that name that could become a package and hide the module:
        adding an __init__.py doesn't change the state of the parent folder."""
        parent, _, tail = name.rpartition('.')
        home = spec.origin.rpartition('/')[0]
        if spec.submodule_search_locations:
            home = home.rpartition('/')[0]
        parents = sys.modules[parent].__dict__.get('__path__', ()) if parent in sys.modules else sys.path
        for folder in parents:
            if folder == home and spec.submodule_search_locations:
                return False
            if folder_state('%s/%s' % (folder, tail)) is not None:
                return True
            if folder == home:
                return False
        return True

    def _write(self, loaded, new, modules):
        """Write a new blob with the old and the new code, and return the entries."""
        nonce = posix.urandom(_NONCE)
        parts, offset, written = [nonce], _NONCE, {}

        def add(name, entry, data):
            nonlocal offset
            parts.append(data)
            written[name] = entry + (offset, len(data))
            offset += len(data)
        for name, entry in modules.items():
            if name not in new:
                add(name, entry[:3], posix.pread(self.blob, entry[4], entry[3]))
        for name, entry in new.items():
            try:
                code = loaded[name].loader.get_code(name)
            except (OSError, ImportError, SyntaxError, ValueError):
                continue
            if code is not None:
                add(name, entry, marshal.dumps(code))
        self.blob = self.cache.write(self.cache.path + '.code', b''.join(parts))
        self.identity = [offset, nonce]
        return written
