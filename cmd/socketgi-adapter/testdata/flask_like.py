"""Starts a server of its own when run, as many files do: it must not be run."""


def application(environ, start_response):
    start_response('200 OK', [('Content-type', 'text/plain')])
    return [__name__.encode()]


if __name__ == '__main__':
    raise SystemExit('a server was started')
