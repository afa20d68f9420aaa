"""The end of a worker without the interpreter's teardown.

Taking every object apart costs more than half of what loading a framework
does, for memory that the kernel takes back anyway. What a program may count on
still happens: threads are waited for, atexit runs, everything written is flushed.
"""
import _io
import gc
import io
import itertools
import posix
import sys


def leave_fork(e):
    """The end of a process that the application has forked, and that has come back from it with e
    or nothing: whoever forked it answers, and runs what is registered for the end."""
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
        print('at the end of the application: %s: %s' % (type(e).__name__, e), file=sys.stderr)
    posix._exit(status)


def inherit():
    """Prepare for forks: what is written so far is written once, and finish_files in a worker need
    not look for what was there before it. To look at an object is to copy its page."""
    global _inherited
    _inherited = _found(gc.get_objects())
    for o in _inherited:
        _finish(o, False)


def disinherit():
    """Be the one again who opened those files."""
    global _inherited
    _inherited = None


def finish_files():
    """Do for open files what the teardown would: flush, or close those that have an end to write."""
    if _inherited is None and hasattr(gc, 'unfreeze'):
        gc.unfreeze()
    inherited = _inherited or ()
    known = set(map(id, inherited))
    for o in _found(gc.get_objects()):
        if id(o) not in known:
            _finish(o, True)
    for o in inherited:
        _finish(o, False)  # it is closed by who opened it


def _finish(o, closes):
    try:
        if type(o) not in _STANDARD:
            if closes:
                o.close()
        elif not o.closed:
            o.flush()
    except Exception:
        pass  # as in the teardown, nobody is there to be told


def _found(objects):
    """The files that have something to write, or to remove."""
    kinds = set(map(type, objects))
    closers = {getattr(sys.modules.get('tempfile'), '_TemporaryFileCloser', None)} & kinds
    # The base of all in C: io.IOBase asks Python code about each.
    files = {kind for kind in kinds if issubclass(kind, _io._IOBase)} - _NOTHING_TO_DO
    # In C: a framework has 50,000 objects, and three of them are files.
    found = list(itertools.compress(objects, map((files | closers).__contains__, map(type, objects))))
    # What wraps another file comes before it.
    found.sort(key=lambda o: 0 if type(o) is io.TextIOWrapper else 2 if type(o) in _STANDARD else 1)
    return found


_inherited = None
_STANDARD = frozenset((io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom))
_NOTHING_TO_DO = frozenset((io.BytesIO, io.StringIO, io.FileIO, io.BufferedReader))
