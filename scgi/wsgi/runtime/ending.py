"""The end of a worker without the interpreter's teardown.

Taking every object apart costs more than half of what loading a framework
does, for memory that the kernel takes back anyway. What a program may count on
still happens: threads are waited for, atexit runs, everything written is flushed.
"""
import gc
import io
import itertools
import posix
import sys


def leave(last):
    status = 0
    try:
        if 'threading' in sys.modules:
            sys.modules['threading']._shutdown()
        if 'atexit' in sys.modules:  # else nothing was registered
            sys.modules['atexit']._run_exitfuncs()
    except BaseException as e:
        from _socketgi.worker import report
        print(report(e), file=sys.stderr)
        status = 1
    try:
        last()
        finish_files()
    except BaseException as e:
        print('at the end of the application: %s: %s' % (type(e).__name__, e), file=sys.stderr)
    posix._exit(status)


def finish_files():
    """Do for open files what the teardown would: flush, or close those that have an end to write."""
    if hasattr(gc, 'unfreeze'):
        gc.unfreeze()
    objects = gc.get_objects()
    kinds = set(map(type, objects))
    closers = {getattr(sys.modules.get('tempfile'), '_TemporaryFileCloser', None)} & kinds
    files = {kind for kind in kinds if issubclass(kind, io.IOBase)} - _NOTHING_TO_DO
    flushed = files & _STANDARD
    # In C: a framework has 50,000 objects, and three of them are files.
    found = list(itertools.compress(objects, map((files | closers).__contains__, map(type, objects))))
    # What wraps another file comes before it.
    found.sort(key=lambda o: 0 if type(o) is io.TextIOWrapper else 2 if type(o) in _STANDARD else 1)
    for o in found:
        try:
            if type(o) in closers or type(o) not in flushed:
                o.close()
            elif not o.closed:
                o.flush()
        except Exception:
            pass  # as in the teardown, nobody is there to be told


_STANDARD = frozenset((io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom))
_NOTHING_TO_DO = frozenset((io.BytesIO, io.StringIO, io.FileIO, io.BufferedReader))
