"""An application that does to itself, its descriptors and its processes what the path says."""
import ctypes
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

kept = []
leaked = []


def fork(child):
    """Fork, have the child call child(), and say how it has ended."""
    pid = os.fork()
    if pid == 0:
        return child()
    try:
        _, status = os.waitpid(pid, 0)
    except ChildProcessError:
        status = 0  # sigchld was asked for
    return 'parent, child %d' % (os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status))


def background():
    """A background process."""
    pid = os.fork()
    if pid == 0:
        time.sleep(300)
        os._exit(0)
    return pid


def fail():
    raise RuntimeError('on purpose')


def hang():
    while True:
        signal.pause()


def job_sockets():
    """The descriptors on which this process takes requests, or reports."""
    for name in os.listdir('/proc/self/fd'):
        try:
            s = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue
        if s.type == socket.SOCK_SEQPACKET:
            yield s


def board():
    for name in os.listdir('/proc/self/fd'):
        try:
            if 'socketgi-board' in os.readlink('/proc/self/fd/' + name):
                yield int(name)
        except OSError:
            pass


class Path:
    """What can be asked for. A method returns the body, or that of a response in pieces."""

    def __init__(self, environ, start_response):
        self.environ = environ
        self.start_response = start_response

    def ok(self):
        return 'well'

    def who(self):
        return '%d %d' % (os.getpid(), os.getppid())

    def open(self):
        return str(len(os.listdir('/proc/self/fd')))

    # Forks.

    def fork_exit(self):
        return fork(lambda: sys.exit(0))

    def fork_exit3(self):
        return fork(lambda: sys.exit(3))

    def fork_exit_text(self):
        return fork(lambda: sys.exit('the child says so'))

    def fork_raise(self):
        return fork(fail)

    def fork_return(self):
        return fork(lambda: 'child')

    def fork_write(self):
        def child():
            self.start_response('200 OK', [])(b'child')
        return fork(child)

    def fork_twice(self):
        return fork(lambda: os.fork() and 'child' or 'grandchild')

    def fork_libc(self):
        libc = ctypes.CDLL(None)
        pid = libc.fork()
        if pid == 0:
            sys.exit(0)
        try:
            _, status = os.waitpid(pid, 0)
        except ChildProcessError:
            status = 0
        return 'parent, child %d' % status

    def fork_thread(self):
        said = []
        thread = threading.Thread(target=lambda: said.append(fork(lambda: os._exit(0))))
        thread.start()
        thread.join()
        return said[0]

    def fork_late(self):
        """The child returns when the parent has answered."""
        if os.fork() == 0:
            open(self.environ['QUERY_STRING']).read()
        return 'parent'

    def fork_yield(self):
        yield b'one '
        fork(lambda: None)
        yield b'two'

    def fork_in_close(self):
        class Body(list):
            def close(self):
                fork(lambda: None)
        return Body([b'parent'])

    def fork_many(self):
        for _ in range(20):
            background()
        return 'parent'

    # Children that go on.

    def stay_fork(self):
        background()
        return iter([b'parent'])

    def stay_cut(self):
        background()
        yield b'begin'
        fail()

    def stay_libc(self):
        pid = ctypes.CDLL(None).fork()
        if pid == 0:
            time.sleep(300)
            os._exit(0)
        return iter([b'parent'])

    def stay_process(self):
        import multiprocessing
        multiprocessing.get_context('fork').Process(target=time.sleep, args=(300,), daemon=True).start()
        return iter([b'parent'])

    def stay_program(self):
        kept.append(subprocess.Popen(['sleep', '300'], close_fds=False))
        return iter([b'parent'])

    def stay_pool(self):
        import concurrent.futures
        import multiprocessing
        kept.append(concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context('fork')))
        return iter([b'%d' % kept[-1].submit(abs, -7).result()])

    # Process groups, signals, the process itself.

    def group_parents(self):
        os.setpgid(0, os.getpgid(os.getppid()))
        hang()

    def group_deaf(self):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        hang()

    def group_left(self):
        """Its group has a child, and it has none itself."""
        background()
        os.setpgid(0, os.getpgid(os.getppid()))
        return 'parent'

    def stopped(self):
        os.kill(os.getpid(), signal.SIGSTOP)

    def killed(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def terminated(self):
        os.kill(os.getpid(), signal.SIGTERM)
        hang()

    def group_killed(self):
        background()
        os.killpg(os.getpgid(0), signal.SIGKILL)

    def segfault(self):
        ctypes.string_at(0)

    def aborted(self):
        os.abort()

    def exited(self):
        os._exit(0)

    def alarm(self):
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        hang()

    def execs(self):
        os.execvp('true', ['true'])

    def execs_sleep(self):
        os.execvp('sleep', ['sleep', '300'])

    def orphan(self):
        """Kill what workers are forked from."""
        if self.environ['wsgi.run_once']:
            return 'parent'  # that is the adapter itself
        os.kill(os.getppid(), signal.SIGKILL)
        return 'parent'

    def sigchld(self):
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        return 'parent'

    def interrupt(self):
        raise KeyboardInterrupt

    # Descriptors.

    def close1(self):
        os.close(1)
        return 'parent'

    def close012(self):
        os.closerange(0, 3)
        return 'parent'

    def printed(self):
        print('SAID')
        sys.stdout.flush()
        os.write(2, b'TOLD\n')
        return '%s %s' % tuple(stat.S_ISSOCK(os.fstat(fd).st_mode) and 'socket' or 'log' for fd in (1, 2))

    def close_all(self):
        os.closerange(3, 1000)
        return 'parent'

    def close_connection(self):
        """As code does that closes a number twice, which is another file's by then."""
        for name in os.listdir('/proc/self/fd'):
            try:
                s = socket.socket(fileno=int(name))
            except OSError:
                continue
            if s.type == socket.SOCK_STREAM and not s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                s.close()
                break  # or the next one that is opened has its number
            s.detach()
        return 'parent'

    def close_connection_large(self):
        self.close_connection()
        return 'parent' * 100000

    def close_jobs(self):
        for s in job_sockets():
            s.shutdown(socket.SHUT_RDWR)
        return 'parent'

    def leak(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        try:
            while True:
                leaked.append(os.open('/dev/null', os.O_RDONLY))
        except OSError:
            pass
        return 'parent'

    def no_streams(self):
        sys.stdout = sys.stderr = None
        return 'parent'

    def gone_folder(self):
        folder = self.environ['QUERY_STRING']
        os.mkdir(folder)
        os.chdir(folder)
        os.rmdir(folder)
        return 'parent'

    # The reports to the adapter.

    def truncate(self):
        for fd in board():
            try:
                os.ftruncate(fd, 0)
            except OSError:
                pass
        return 'parent'

    def scribble(self):
        import mmap
        for fd in board():
            memory = mmap.mmap(fd, 0)
            memory[:] = b'\xff' * len(memory)
        return 'parent'

    def flood(self):
        def child():
            for s in self.sockets:
                while True:
                    s.send(b'M /nowhere')
        self.sockets = list(job_sockets())
        if os.fork() == 0:
            child()
        return 'parent'

    def lies(self):
        for s in job_sockets():
            s.settimeout(1)
            for message in (b'', b'P 1', b'P', b'X', b'X 1 0 0 0', b'N', b'R', b'H 99999999999999999999', b'E', b'W', b'M', b'L x',
                            b'Q', b'\0' * 60000, b'D -1 whole', b'P 0', b'P -1'):
                s.send(message)
        return 'parent'


def application(environ, start_response):
    while leaked and environ['PATH_INFO'] != '/ok':
        os.close(leaked.pop())
    result = getattr(Path(environ, start_response), environ['PATH_INFO'][1:])()
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [result.encode()] if isinstance(result, str) else result
