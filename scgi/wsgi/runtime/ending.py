"""The end of a worker without the interpreter's teardown.

Taking every object apart costs more than half of what loading a framework
does, for memory that the kernel takes back anyway. What a program may count on
still happens: threads are waited for, atexit runs, everything written is flushed.
"""
import gc
import io
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


def flush_all():
    """Flush every open file, as closing them in the teardown would."""
    text, binary = [], []
    if hasattr(gc, 'unfreeze'):
        gc.unfreeze()
    for o in gc.get_objects():
        kind = type(o)
        if kind is io.TextIOWrapper:
            text.append(o)
        elif kind is io.BufferedWriter or kind is io.BufferedRandom:
            binary.append(o)
    for f in text + binary:
        try:
            if not f.closed:
                f.flush()
        except (OSError, ValueError, AttributeError):
            pass
