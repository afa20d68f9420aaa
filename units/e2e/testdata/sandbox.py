"""Tries what a sandbox may forbid, by path, and says what came of it."""
import ctypes
import errno
import mmap
import os
import socket
import subprocess
from urllib.parse import unquote


def connect(address):
    host, port = address.rsplit(':', 1)
    socket.create_connection((host, int(port)), 5).close()


def write(path):
    open(os.path.expandvars(path), 'a').close()


def listing(path):
    return ' '.join(sorted(os.listdir(path)))


def processes(_):
    return ' '.join(sorted(p for p in os.listdir('/proc') if p.isdigit() and int(p) not in (os.getpid(), os.getppid())))


def compiler(_):
    """What a compiler at run time does, PyPy's or that of a callback from C."""
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def run(command):
    return subprocess.run(['sh', '-c', command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.decode()


def namespace(_):
    return os.readlink('/proc/self/ns/mnt')


def extra(_):
    import extra
    return extra.where


def syscall(number):
    """What a system call without sensible arguments comes to."""
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p] + [ctypes.c_long] * 4
    return 'done' if call(int(number), -1, None, 0, 0, 0, 0) >= 0 else errno.errorcode[ctypes.get_errno()]


def doors(folder):
    """The sockets below a folder that somebody answers at."""
    found = []
    for where, _, names in os.walk(folder):
        for path in (os.path.join(where, name) for name in names):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
                with socket.socket(socket.AF_UNIX, kind) as s:
                    try:
                        s.connect(path)
                        found.append(path)
                    except OSError:
                        pass
    return ' '.join(sorted(found))


def application(environ, start_response):
    what = globals()[environ['PATH_INFO'].strip('/')]
    try:
        answer = what(unquote(environ['QUERY_STRING'])) or 'done'
    except (OSError, ImportError) as e:
        answer = '%s: %s' % (type(e).__name__, e)
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [answer.encode()]
