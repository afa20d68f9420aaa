"""A cache of what a start of the worker computes, for later starts.

A cache file is a line that names its Python, and one marshalled dict:

    load     the code of load.py
    modules  the code of the runtime's other modules
    site     the changes that the module site made (siterecord.py), or None
    app      the code of the application's file (application.py), or None
    imports  the places of its modules (importcache.py), or None

The adapter chooses the file's name, which identifies the runtime and the
application. If the file is missing or out of date, the start takes longer, and
the file is replaced.
"""
import marshal
import posix
import sys


class StartCache:
    def __init__(self, path, content, fresh):
        self.path = path
        self.content = content
        self.stale = fresh
        self.savers = []
        self.checks = []

    def get(self, part):
        return self.content[part]

    def put(self, part, value):
        self.content[part] = value
        self.stale = True

    def before_save(self, saver):
        """Have saver called before the content is saved, which happens after the response."""
        self.savers.append(saver)

    def before_settled(self, check):
        """Have settled call check."""
        self.checks.append(check)

    def settled(self):
        """Return whether another start would add nothing to the content."""
        return all(check() for check in self.checks)

    def save(self):
        """Replace the file if there is new content and the directory is writable."""
        # The cache that "socketgi add" fills belongs to root, and is complete.
        if not self.path or not posix.access(self.path.rpartition('/')[0], posix.W_OK):
            return
        try:
            for saver in self.savers:
                saver()
            if self.stale:
                head = b'%08x%s\n' % (sys.hexversion, sys.implementation.cache_tag.encode())
                posix.close(self.write(self.path, head + marshal.dumps(self.content)))
                self._tidy()
        except (OSError, ValueError):
            pass  # the next start takes longer; marshal raises ValueError

    def write(self, path, data):
        """Replace a file atomically, and return a descriptor of it."""
        temporary = '%s.%d' % (path, posix.getpid())
        flags = posix.O_RDWR | posix.O_CREAT | posix.O_EXCL | posix.O_NOFOLLOW | posix.O_CLOEXEC  # type: ignore[attr-defined]
        fd = posix.open(temporary, flags, 0o600)
        try:
            with open(fd, 'wb', closefd=False) as f:
                f.write(data)
            posix.replace(temporary, path)
        except OSError:
            posix.close(fd)
            posix.unlink(temporary)
            raise
        return fd

    def _tidy(self):
        """Remove files of earlier versions of the runtime for this application, and incomplete files."""
        directory, _, name = self.path.rpartition('/')
        mine = name.rpartition('-')[0] + '-'
        for other in posix.listdir(directory):
            if other.startswith(mine) and (not other.startswith(name) or self._is_left(other)):
                posix.unlink(directory + '/' + other)

    def _is_left(self, file):
        """Return whether the process that was writing a file has ended."""
        pid = file.rpartition('.')[2]
        if not pid.isdigit():
            return False
        try:
            posix.kill(int(pid), 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass
        return False
