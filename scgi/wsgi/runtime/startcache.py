"""What one start of the worker learns and the next one need not find out again.

A cache file is one marshalled dict:

    version  which runtime and which Python this is for (boot.py compares it)
    load     the code of load.py
    modules  the code of the runtime's other modules
    site     what the module site did (see quicksite.py), or None
    app      the code of the application's file (see application.py), or None

Nothing in it is needed: a file that is missing, damaged or out of date costs
time and is replaced.
"""
import marshal
import posix


class StartCache:
    def __init__(self, path, content, fresh):
        self.path = path
        self.content = content
        self.stale = fresh

    def get(self, part):
        return self.content[part]

    def put(self, part, value):
        self.content[part] = value
        self.stale = True

    def save(self):
        """Replace the file, when there is something new; a directory that can't be written stays as it is."""
        if not (self.path and self.stale):
            return
        self.stale = False
        temporary = '%s.%d' % (self.path, posix.getpid())
        try:
            data = marshal.dumps(self.content)
            fd = posix.open(temporary, posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_NOFOLLOW, 0o600)
            try:
                with open(fd, 'wb') as f:
                    f.write(data)
                posix.replace(temporary, self.path)
            except OSError:
                posix.unlink(temporary)
        except (OSError, ValueError):
            pass
