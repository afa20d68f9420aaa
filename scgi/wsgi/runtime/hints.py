"""What to do about an application that can't be loaded, where the cause is known."""
import os
import sys


def hint(error, kind, where, name):
    """A clause for the end of the message about error, '' if there is none. The other arguments
    are those of application.load."""
    if kind == 'module':
        folder, member, path = os.getcwd(), where, None
    else:
        folder, tail = os.path.split(where)
        member, path = tail.rpartition('.')[0] or tail, where
    if isinstance(error, ImportError):
        return _imports(error, folder, member, name or 'application') or (path and _cgi(error, path)) or ''
    return path and _cgi(error, path) or ''


def _imports(error, folder, member, name):
    top = (error.name or '').partition('.')[0]
    # A package whose folder has no __init__.py is known by what is imported.
    is_relative = 'relative import' in str(error)
    package, above, inside = '', folder, []
    while above != os.path.dirname(above) and not package:
        above, part = os.path.split(above)
        inside.insert(0, part)
        if is_relative or part == top:
            package = part
    if package and all(part.isidentifier() for part in inside + member.split('.')):
        return 'it is part of package %s: use %s.%s:%s in %s' % (package, '.'.join(inside), member, name, above)
    for project in (folder, os.path.dirname(folder)):
        source = os.path.join(project, 'src')
        if top and any(os.path.exists(os.path.join(source, top + end)) for end in ('', '.py')):
            return '%s is in %s, where nobody looks: install it with %s -m pip install %s, or set PYTHONPATH=%s' % (
                top, source, sys.executable, project, source)
    return ''


def _cgi(error, path):
    try:
        with open(path, 'rb') as f:
            text = f.read(65536)
    except OSError:
        return ''
    first = text.partition(b'\n')[0].strip()
    if first[:2] == b'#!' and b'python' not in first and b'pypy' not in first:
        if isinstance(error, SyntaxError) and error.filename == path:
            return 'its first line says that it is a program for %s: a CGI program is served with --cgi' % first[2:].strip().decode('latin-1')
        return ''
    speaks = b'content-type:' in text.lower() and b'print' in text
    asks = isinstance(error, ImportError) and error.name in ('cgi', 'cgitb')  # which Python 3.13 has no more
    if asks or speaks and not isinstance(error, ImportError):
        return 'it looks like a CGI program, which is served with --cgi'
    return ''
