"""The files that an application was loaded from, for --reload.

The adapter gets the state of each file before it was read, so that it notices a change that
happened before it began to watch.
"""
import posix
import sys

_MOST = 60000  # bytes of a report


class Watched:
    """Records the state of each file that an import finds, before it is read."""

    def __init__(self, jobs, path):
        self.jobs = jobs
        self.count = 0
        self.known = set()
        self.found = {path: _state(path)} if path else {}
        sys.meta_path.insert(0, self)

    def find_spec(self, name, path=None, target=None):
        finders = sys.meta_path
        for finder in finders[finders.index(self) + 1:]:
            find = getattr(finder, 'find_spec', None)
            spec = find and find(name, path, target)
            if spec is not None:
                if spec.has_location and _is_path(spec.origin):
                    self.found[spec.origin] = _state(spec.origin)
                return spec
        return None

    def report(self, error=None):
        """Report new files to the adapter. If loading failed, error contains further files: modules
        that raised it are not in sys.modules."""
        if len(sys.modules) == self.count and error is None:
            return
        self.count = len(sys.modules)
        files = set(_modules())
        if error is not None:
            files.update(_blamed(error))
            files.update(self.found)
        files -= self.known
        self.known |= files
        block = b''
        for path in files:
            now = _state(path)
            # A file that is gone was temporary, or an editor is about to replace it.
            state = self.found.get(path, now) if now else b''
            entry = path.encode('utf-8', 'surrogateescape') + b'\0' + state + b'\0'
            if len(block) + len(entry) >= _MOST:
                self.jobs.modules(block)
                block = b''
            block += entry
        if block:
            self.jobs.modules(block)


def _state(path):
    """Return a text that changes with the contents of a file, as worker.StateOf does; b'': there is no file."""
    try:
        st = posix.stat(path)
    except OSError:
        return b''
    return b'%d %d %d %d' % (st.st_dev, st.st_ino, st.st_size, st.st_mtime_ns)


def _modules():
    for module in list(sys.modules.values()):
        path = getattr(module, '__file__', None)
        if _is_path(path):
            yield path


def _blamed(error):
    while error is not None:
        if isinstance(error, SyntaxError) and _is_path(error.filename):
            yield error.filename
        tb = error.__traceback__
        while tb is not None:
            if _is_path(tb.tb_frame.f_code.co_filename):
                yield tb.tb_frame.f_code.co_filename
            tb = tb.tb_next
        error = error.__cause__ or error.__context__


def _is_path(path):
    return type(path) is str and path[:1] == '/' and '\0' not in path
