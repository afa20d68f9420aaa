"""Which files an application was loaded from, for an adapter that loads it again when one changes."""
import sys

_MOST = 60000  # bytes of a report


class Watched:
    def __init__(self, jobs):
        self.jobs = jobs
        self.count = 0
        self.known = set()

    def report(self, error=None):
        """Tell the adapter of files that it was not told of. A file that raised while it was
        loaded is in no module, but error speaks of it."""
        if len(sys.modules) == self.count and error is None:
            return
        self.count = len(sys.modules)
        found = set(_modules())
        if error is not None:
            found.update(_blamed(error))
        found -= self.known
        self.known |= found
        block = b''
        for path in found:
            path = path.encode('utf-8', 'surrogateescape')
            if len(block) + len(path) >= _MOST:
                self.jobs.modules(block)
                block = b''
            block += path + b'\0'
        if block:
            self.jobs.modules(block)


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
