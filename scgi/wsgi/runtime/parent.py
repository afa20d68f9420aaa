"""The process that has the application loaded, and forks workers that have it, too.

Descriptor 3 is the adapter's, which asks in messages: "F", with the job socket of
the worker that is to be forked. What this process says, the first letter is the kind:

    W TEXT                  something that workers had better not share
    M PATH NUL PATH ...     files that modules were loaded from
    R                       the application is loaded
    P PID                   the worker that was asked for
    X PID STATUS CPU RSS    a worker has ended: its wait status, microseconds, KiB
    E KIND\\nTEXT            the application can't be loaded
"""
import gc
import posix
import sys

import _signal
import _socket

_INT = 4  # sizeof(int), what a descriptor takes in a control message
_MSG_CMSG_CLOEXEC = 0x40000000
_MOST = 60000  # bytes of a message


class Parent:
    def __init__(self, socket):
        self.socket = socket

    def run(self):
        """Fork workers until the adapter is gone. In a worker this returns its job socket."""
        for text in list(shared()):
            self.say(b'W ' + text.encode('utf-8', 'backslashreplace')[:_MOST])
        for block in blocks(module_files()):
            self.say(b'M ' + block)
        wake, alarm = posix.pipe()
        posix.set_blocking(wake, False)
        posix.set_blocking(alarm, False)
        ours = _signal.getsignal(_signal.SIGCHLD)
        theirs = _signal.set_wakeup_fd(alarm, warn_on_full_buffer=False)
        _signal.signal(_signal.SIGCHLD, lambda number, frame: None)
        for stream in sys.stdout, sys.stderr:
            if stream is not None:
                stream.flush()  # or each worker would write it once more
        if hasattr(gc, 'freeze'):  # PyPy has another collector
            gc.collect()
            gc.freeze()  # what is shared now stays shared: no collection writes to it
        self.say(b'R')
        import select
        poll = select.poll()
        poll.register(self.socket.fileno(), select.POLLIN)
        poll.register(wake, select.POLLIN)
        while True:
            for fd, _ in poll.poll():
                if fd == wake:
                    try:
                        posix.read(wake, 512)
                    except BlockingIOError:
                        pass
                    self.reap()
                    continue
                jobs = self.asked()
                if jobs is None:
                    return None
                pid = posix.fork()
                if pid == 0:
                    posix.setpgid(0, 0)
                    _signal.set_wakeup_fd(theirs)
                    _signal.signal(_signal.SIGCHLD, ours if ours is not None else _signal.SIG_DFL)
                    posix.close(wake)
                    posix.close(alarm)
                    self.socket.close()
                    return jobs
                posix.close(jobs)
                self.say(b'P %d' % pid)

    def asked(self):
        """The job socket for a new worker, None when the adapter is gone."""
        data, control, _, _ = self.socket.recvmsg(16, _socket.CMSG_SPACE(_INT), _MSG_CMSG_CLOEXEC)
        if not data or not control:
            return None
        return int.from_bytes(control[0][2][:_INT], sys.byteorder)

    def reap(self):
        while True:
            try:
                pid, status, usage = posix.wait4(-1, posix.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            cpu = int((usage.ru_utime + usage.ru_stime) * 1000000)
            self.say(b'X %d %d %d %d' % (pid, status, cpu, usage.ru_maxrss))

    def say(self, message):
        try:
            self.socket.send(message)
        except OSError:
            pass  # the adapter is gone, which the next read tells


def shared():
    """What would be in every worker at once, and is made for one."""
    for name in posix.listdir('/proc/self/fd'):
        fd = int(name)
        try:
            if fd < 4 or not posix.readlink('/proc/self/fd/' + name).startswith('socket:'):
                continue
            s = _socket.socket(fileno=posix.dup(fd))
        except OSError:
            continue
        try:
            peer = s.getpeername()
        except OSError:
            peer = None
        s.close()
        where = ' to %s' % (peer if isinstance(peer, str) else ':'.join(map(str, peer[:2]))) if peer else ''
        yield ('loading the application has opened a socket%s, which all workers share: '
               'open it in the first request, or say --preload no' % where)
    count = len(posix.listdir('/proc/self/task'))
    if count > 1:
        threading = sys.modules.get('threading')
        names = [t.name for t in threading.enumerate() if t is not threading.main_thread()] if threading else []
        yield ('loading the application has started threads%s, which no worker has: '
               'start them in the first request, or say --preload no' % (' (%s)' % ', '.join(names) if names else ''))


def module_files():
    for module in list(sys.modules.values()):
        path = getattr(module, '__file__', None)
        if type(path) is str and path[:1] == '/' and '\0' not in path:
            yield path.encode('utf-8', 'surrogateescape')


def blocks(paths):
    block = b''
    for path in paths:
        if len(block) + len(path) + 1 > _MOST:
            yield block
            block = b''
        block += path + b'\0'
    if block:
        yield block
