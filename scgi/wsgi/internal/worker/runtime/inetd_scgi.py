"""The module that scripts for the inetd-scgi of 2011 import: two lines serve an application.

    import inetd_scgi
    inetd_scgi.run_app(simple_app)

The module of 2011 parsed the request from standard input. Here the request has been
decoded before Python started.
"""
__all__ = ['run_app', 'ProtocolError']

serve = None
called = False


class ProtocolError(Exception):
    """A malformed request. It is never raised: such a request is refused before the script starts."""


def run_app(app, stderr=None):
    """Serve one request with app; stderr is its wsgi.errors, by default sys.stderr."""
    global called
    called = True
    serve(app, stderr)  # type: ignore[misc]  # application.py sets it
