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
    last()
    flush_all()
    posix._exit(status)


_BINARY = frozenset((io.BufferedWriter, io.BufferedRandom))
_FILES = _BINARY | {io.TextIOWrapper}


def flush_all():
    """Flush every open file, as closing them in the teardown would."""
    if hasattr(gc, 'unfreeze'):
        gc.unfreeze()
    objects = gc.get_objects()
    # In C: a framework has 50,000 objects, and three of them are files.
    files = list(itertools.compress(objects, map(_FILES.__contains__, map(type, objects))))
    files.sort(key=lambda f: type(f) in _BINARY)  # text goes through binary files
    for f in files:
        try:
            if not f.closed:
                f.flush()
        except (OSError, ValueError, AttributeError):
            pass
