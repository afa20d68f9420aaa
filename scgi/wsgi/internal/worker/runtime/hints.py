"""Hints for known reasons why an application can't be loaded."""
import os
import sys


def hint(error, kind, where, name):
    """Return a clause that is appended to the message of error, or ''. The other arguments are
    those of application.load."""
    if kind == 'module':
        folder, member, path = os.getcwd(), where, None
    else:
        folder, tail = os.path.split(where)
        member, path = tail.rpartition('.')[0] or tail, where
    if isinstance(error, ImportError):
        return _imports(error, folder, member, name or 'application') or path and (_link(error, path) or _cgi(error, path)) or ''
    return path and _cgi(error, path) or _text(error, path)


def _text(error, path):
    """The position of a syntax error, or the format of a file that isn't Python."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return '%s, line %d' % (error.filename, error.lineno)
    if not path or not isinstance(error, (SyntaxError, ValueError)):
        return ''
    try:
        with open(path, 'rb') as f:
            text = f.read()
    except OSError:
        return ''
    if b'\0' not in text:
        return ''
    if b'PK\3\4' in text:
        return '%s is an archive: set PYTHONPATH=%s, and name a module in it' % (path, path)
    if text[2:4] == b'\r\n':  # importlib.util.MAGIC_NUMBER of any Python
        return '%s is compiled: name the source, or the module' % path
    if text[:2] in (b'\xff\xfe', b'\xfe\xff'):
        return '%s is in UTF-16: save it in UTF-8' % path
    return '%s is not a text file: it contains NUL bytes' % path


def _link(error, path):
    real = os.path.realpath(path)
    name, folder = (error.name or '').partition('.')[0], os.path.dirname(real)
    if name and folder != os.path.realpath(os.path.dirname(path)) and any(
            os.path.exists(os.path.join(folder, name + end)) for end in ('', '.py')):
        return '%s is in %s, and %s is a symbolic link to a file there: use %s' % (name, folder, path, real)
    return ''


def _imports(error, folder, member, name):
    top = (error.name or '').partition('.')[0]
    # A package without an __init__.py is recognized by the name that is imported.
    is_relative = 'relative import' in str(error)
    if top in sys.modules and 'is not a package' in str(error):
        own = getattr(sys.modules[top], '__file__', None) or ''
        if os.path.dirname(own) == os.path.dirname(os.__file__):
            return '%s is a module of the standard library: rename the package' % top
    package, above = '', folder
    inside = []  # type: list
    while above != os.path.dirname(above) and not package:
        above, part = os.path.split(above)
        inside.insert(0, part)
        if is_relative or part == top:
            package = part
    if package and all(part.isidentifier() for part in inside + member.split('.')):
        return 'the file is part of package %s: use %s.%s:%s in %s' % (package, '.'.join(inside), member, name, above)
    for project in (folder, os.path.dirname(folder)):
        source = os.path.join(project, 'src')
        if top and any(os.path.exists(os.path.join(source, top + end)) for end in ('', '.py')):
            return '%s is in %s, which is not in sys.path: install it with %s -m pip install %s, or set PYTHONPATH=%s' % (
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
            interpreter = first[2:].strip().decode('latin-1')
            return 'its first line names the interpreter %s: for a CGI program, use --cgi' % interpreter
        return ''
    speaks = b'content-type:' in text.lower() and b'print' in text
    asks = isinstance(error, ImportError) and error.name in ('cgi', 'cgitb')  # removed in Python 3.13
    if asks or speaks and not isinstance(error, ImportError):
        return 'it looks like a CGI program: use --cgi'
    return ''
