"""The end of a worker without the interpreter's teardown.

Freeing every object takes more than half of the time of loading a framework, for
memory that the kernel frees anyway. Programs still get what Python documents:
threads are joined, atexit functions run, and files are flushed.
"""
import _io
import gc
import io
import itertools
import posix
import sys


def leave_fork(e):
    """End a process that the application has forked, after it has returned from the application with
    the exception e or None. The worker itself sends the response and runs the atexit functions."""
    status = 0
    try:
        if isinstance(e, SystemExit):
            if isinstance(e.code, int):
                status = e.code & 0xff
            elif e.code is not None:
                status = 1
                print(e.code, file=sys.stderr)
        elif e is not None:
            status = 1
            from _socketgi.worker import report
            print(report(e), file=sys.stderr)
        if 'threading' in sys.modules:
            sys.modules['threading']._shutdown()
        for stream in sys.stdout, sys.stderr:
            if stream is not None:
                stream.flush()
    finally:
        posix._exit(status)


def leave(last):
    status, pid = 0, posix.getpid()
    try:
        if 'threading' in sys.modules:
            sys.modules['threading']._shutdown()
        if 'atexit' in sys.modules:  # else nothing was registered
            sys.modules['atexit']._run_exitfuncs()
    except BaseException as e:
        from _socketgi.worker import report
        print(report(e), file=sys.stderr)
        status = 1
    if posix.getpid() != pid:
        leave_fork(None)
    try:
        last()
        finish_files()
    except BaseException as e:
        print('error at exit: %s: %s' % (type(e).__name__, e), file=sys.stderr)
    posix._exit(status)


def inherit():
    """Prepare for forks: flush files, so that their contents are written once, and remember them, so
    that finish_files in a worker doesn't search older objects: reading an object copies its page."""
    global _inherited
    _inherited = _found(gc.get_objects())
    for o in _inherited:
        _finish(o, False)


def disinherit():
    """Undo inherit: this process has opened those files, and closes them."""
    global _inherited
    _inherited = None


def finish_files():
    """Do what the teardown does for open files: flush them, or close those with a trailer to write."""
    if _inherited is None and hasattr(gc, 'unfreeze'):
        gc.unfreeze()
    inherited = _inherited or ()
    known = set(map(id, inherited))
    for o in _found(gc.get_objects()):
        if id(o) not in known:
            _finish(o, True)
    for o in inherited:
        _finish(o, False)  # the process that opened it closes it


def _finish(o, closes):
    try:
        if type(o) not in _STANDARD:
            if closes:
                o.close()
        elif not o.closed:
            o.flush()
    except Exception:
        pass  # ignored, as by the teardown


def _found(objects):
    """Return the files among objects that may have data to write, or a temporary file to remove."""
    kinds = set(map(type, objects))
    closers = {getattr(sys.modules.get('tempfile'), '_TemporaryFileCloser', None)} & kinds
    # The base class in C: io.IOBase would call Python code for each.
    files = {kind for kind in kinds if issubclass(kind, _io._IOBase)} - _NOTHING_TO_DO
    # In C: a framework has 50,000 objects, and three of them are files.
    found = list(itertools.compress(objects, map((files | closers).__contains__, map(type, objects))))
    # A wrapper before the file that it wraps.
    found.sort(key=lambda o: 0 if type(o) is io.TextIOWrapper else 2 if type(o) in _STANDARD else 1)
    return found


_inherited = None
_STANDARD = frozenset((io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom))
_NOTHING_TO_DO = frozenset((io.BytesIO, io.StringIO, io.FileIO, io.BufferedReader))
