"""The process that loads the application, and forks workers.

On the job socket the adapter requests a worker with the message "F" and two descriptors: the control
socket and the board of the worker. Beside the reports of job.py, this process sends:

    W TEXT                  a warning: workers share a socket, or lack a thread
    R INTERFACE             the application is loaded, and workers can be forked
    P PID                   the requested worker
    N TEXT                  the fork failed
    X PID STATUS CPU RSS    a worker has ended: its wait status, microseconds, KiB

After the end of file, it ends when its last worker has ended.
"""
import gc
import posix
import sys

import _signal
import _socket

from _socketgi import ending
from _socketgi.job import mend

_INT = 4  # sizeof(int), the size of a descriptor in a control message
_MSG_CMSG_CLOEXEC = 0x40000000


class Parent:
    def __init__(self, jobs, ours, fresh, interface):
        self.socket = jobs.socket
        self.log = jobs.log
        self.workers = set()
        self.ours = ours
        self.fresh = fresh
        self.interface = interface
        self.pages = None

    def run(self):
        """Fork workers on request. It returns only in a worker, with the control socket and the
        board."""
        for text in list(shared(self.ours)):
            self.say(b'W ' + text.encode('utf-8', 'backslashreplace')[:60000])
        if self.fresh:
            try:
                from _socketgi import touching
                self.pages = touching.Pages()
            except Exception:
                pass  # there is no ctypes: fresh workers are a little slower
        wake, alarm = posix.pipe()
        posix.set_blocking(wake, False)
        posix.set_blocking(alarm, False)
        ours = _signal.getsignal(_signal.SIGCHLD)
        theirs = _signal.set_wakeup_fd(alarm, warn_on_full_buffer=False)
        _signal.signal(_signal.SIGCHLD, lambda number, frame: None)
        import mmap, resource  # noqa: E401, F401  # for each worker
        import select
        poll = select.poll()
        poll.register(self.socket.fileno(), select.POLLIN)
        poll.register(wake, select.POLLIN)
        if self.pages:
            poll.register(self.pages, select.POLLIN)
        ending.inherit()
        if hasattr(gc, 'freeze'):  # PyPy has another collector
            gc.collect()
            gc.freeze()  # no collection writes to the objects, so that their memory remains shared
        self.say(b'R ' + self.interface)
        asking, here = True, posix.getpid()
        while asking or self.workers:
            for fd, _ in poll.poll():
                if fd == wake:
                    try:
                        posix.read(wake, 512)
                    except BlockingIOError:
                        pass
                    self.reap()
                    continue
                if self.pages and fd == self.pages.fileno():
                    if self.pages.learn():
                        poll.unregister(self.pages)
                    continue
                asked = self.asked()
                if asked is None:
                    asking = False
                    poll.unregister(self.socket.fileno())
                    continue
                try:
                    pid = posix.fork()
                except OSError as e:
                    self.say(b'N ' + str(e).encode())
                    for fd in asked:
                        posix.close(fd)
                    continue
                if pid == 0:
                    if posix.getppid() != here:
                        ending.leave_fork(None)  # a child of a function of os.register_at_fork
                    posix.setpgid(0, 0)
                    _signal.set_wakeup_fd(theirs)
                    _signal.signal(_signal.SIGCHLD, ours if ours is not None else _signal.SIG_DFL)
                    posix.close(wake)
                    posix.close(alarm)
                    self.socket.close()
                    return asked
                if posix.getpid() != here:
                    ending.leave_fork(None)
                self.workers.add(pid)
                try:
                    posix.setpgid(pid, pid)  # for workers in which a function of os.register_at_fork blocks
                except OSError:
                    pass  # it has ended, or has executed another program
                for fd in asked:
                    posix.close(fd)
                self.say(b'P %d' % pid)
        ending.disinherit()
        ending.finish_files()
        posix._exit(0)

    def asked(self):
        """Receive the descriptors for the next worker, None at the end of file."""
        try:
            data, control, _, _ = self.socket.recvmsg(32, _socket.CMSG_SPACE(2 * _INT), _MSG_CMSG_CLOEXEC)
        except OSError:
            return None
        if not data or not control:
            return None
        return mend(self.log, memoryview(control[0][2]).cast('i').tolist())

    def reap(self):
        while True:
            try:
                if _waitid:  # PyPy has none
                    ended = _waitid(posix.P_ALL, 0, posix.WEXITED | posix.WNOHANG | posix.WNOWAIT)
                    # Before wait4, the number can't be that of another process group.
                    if ended and ended.si_pid in self.workers:
                        _end_group(ended.si_pid)
                pid, status, usage = posix.wait4(-1, posix.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid not in self.workers:
                continue  # a child that the application has started
            self.workers.discard(pid)
            if not _waitid:
                _end_group(pid)
            cpu = int((usage.ru_utime + usage.ru_stime) * 1000000)
            self.say(b'X %d %d %d %d' % (pid, status, cpu, usage.ru_maxrss))

    def say(self, message):
        try:
            self.socket.send(message)
        except OSError:
            pass  # the adapter has ended, which the next recvmsg reports


_waitid = getattr(posix, 'waitid', None)


def _end_group(pid):
    """Kill the processes that an ended worker has left in its process group."""
    try:
        posix.killpg(pid, _signal.SIGKILL)
    except OSError:
        pass  # there are none


def _loops():
    """Return the event loops that are open."""
    events = sys.modules.get('asyncio.events')
    if not events:
        return []
    objects = gc.get_objects()
    kinds = {kind for kind in set(map(type, objects)) if issubclass(kind, events.AbstractEventLoop)}
    return [o for o in objects if type(o) in kinds and not o.is_closed()] if kinds else []


def shared(ours):
    """Generate warnings: about sockets, except ours, and event loops, which all workers would share,
    and threads, which none would have."""
    loops = _loops()
    if loops:
        yield ('loading the application has created an event loop, which no worker runs: '
               'create it in the lifespan, or use --preload no')
    of_loops = {s.fileno() for loop in loops for s in (getattr(loop, '_ssock', None), getattr(loop, '_csock', None)) if s}
    for name in posix.listdir('/proc/self/fd'):
        fd = int(name)
        try:
            if fd < 4 or fd in ours or fd in of_loops or not posix.readlink('/proc/self/fd/' + name).startswith('socket:'):
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
               'open it in the first request, or use --preload no' % where)
    count = len(posix.listdir('/proc/self/task'))
    if count > 1:
        threading = sys.modules.get('threading')
        names = [t.name for t in threading.enumerate() if t is not threading.main_thread()] if threading else []
        yield ('loading the application has started threads%s, which no worker has: '
               'start them in the first request, or use --preload no' % (' (%s)' % ', '.join(names) if names else ''))
