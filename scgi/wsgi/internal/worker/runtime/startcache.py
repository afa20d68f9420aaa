"""What one start of the worker learns and the next one need not find out again.

A cache file is a line that names the Python it is for, and one marshalled dict:

    load     the code of load.py
    modules  the code of the runtime's other modules
    site     what the module site did (see siterecord.py), or None
    app      the code of the application's file (see application.py), or None
    imports  where its modules are and what they are (see importcache.py), or None

The file's name, which the adapter chooses, says which runtime and which
application it is for. Nothing in it is needed: a file that is missing or out of
date costs time and is replaced.
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
        """Have saver called when the content is about to be saved: at the end, when nobody waits."""
        self.savers.append(saver)

    def before_settled(self, check):
        """Have check called when somebody asks whether the next start believes all of the content."""
        self.checks.append(check)

    def settled(self):
        """Tell whether another start would find nothing out that this one has not."""
        return all(check() for check in self.checks)

    def save(self):
        """Replace the file, when there is something new; a directory that can't be written stays as it is."""
        # What was cached when the application was added is root's: there is nothing to find out then.
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
            pass  # see above; ValueError is what marshal can't write

    def write(self, path, data):
        """Write a file whole or not at all; return a descriptor of what was written."""
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
        """Remove what earlier versions of the runtime left for this application, and what was not written to its end."""
        directory, _, name = self.path.rpartition('/')
        mine = name.rpartition('-')[0] + '-'
        for other in posix.listdir(directory):
            if other.startswith(mine) and (not other.startswith(name) or self._is_left(other)):
                posix.unlink(directory + '/' + other)

    def _is_left(self, file):
        """Tell whether the process is gone that was writing a file."""
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
