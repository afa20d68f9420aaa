"""A worker: load the application, serve requests, end.

argv: -c CACHE KIND WHERE NAME WAY [SETTING=VALUE ...]; descriptor 3 is the job socket. WAY is "once"
for a single job, "many" for a warm worker (accept.py), whose descriptor 3 is its control socket, and
"parent" for a process that forks warm workers (parent.py), whose descriptor 3 is its control socket,
too. The latter two have the door as descriptor 6, a board as 7, listeners from 8 on, and settings:
those of accept.py; "watch": report the files of modules (files.py); "warm-path": a path to request
before the first client does (warming.py); "fresh": each worker gets one request only (touching.py);
"mark": lines of the log begin with the id of their request (requestlog.py).
"""
import gc
import posix
import sys

from _socketgi import application, ending, quicksite
from _socketgi.job import JobSocket
from _socketgi.response import ClientGone, ClientStuck, FileWrapper, Response, ShortBody
from _socketgi.startcache import StartCache


def main(start, fresh):
    cache_file, kind, where, name, way, *more = sys.argv[1:]
    settings = dict(setting.partition('=')[::2] for setting in more)
    cache = StartCache(cache_file, start, fresh)
    sys.argv = [where]
    jobs = JobSocket(3)
    watched = log = None
    if settings.get('mark'):
        from _socketgi import requestlog
        requestlog.install()
        log = requestlog.begin
    if settings.get('watch'):
        from _socketgi import files
        watched = files.Watched(jobs, '' if kind == 'module' else where)
    site = quicksite.Site(cache)
    worker = Worker(jobs, way, settings, cache, watched, log)
    try:
        app = application.load(kind, where, name, settings.get('interface', ''), cache, site, worker.work)
        if app is not None:
            worker.work(app, None)
    except BaseException as e:
        worker.check(e)
        worker.outside(e, kind, where, name)
    worker.check()
    ending.leave(cache.save)


class Worker:
    def __init__(self, jobs, way, settings, cache, watched, log):
        self.jobs = jobs
        self.way = way
        self.settings = settings
        self.cache = cache
        self.watched = watched
        self.log = log
        self.served = False
        self.requests = None
        self.pid = posix.getpid()
        self.connection = None
        posix.register_at_fork(after_in_child=self.forked)

    def forked(self):
        """In a forked process: a child of the application, or a worker of parent.py."""
        (self.requests or self.jobs).forked()
        if self.connection:
            self.connection.forked()

    def check(self, e=None):
        """End this process if the application has forked it. It has returned from the application,
        by the exception e or without one, and only the worker itself sends responses, reports and
        receives requests. This detects forks by C code, too, for which forked is not called."""
        if posix.getpid() != self.pid:
            ending.leave_fork(e)

    def work(self, app, stderr):
        """Serve one request with app, or all requests until the worker is told to end."""
        self.check()
        if self.served:
            raise RuntimeError('a process serves one request: run_app was called twice')
        self.served = True
        if self.way != 'once':
            self.go_warm(app, stderr)
        elif type(app) is application.Asgi:
            from _socketgi import asgi
            asgi.once(self, app)
        else:
            if hasattr(gc, 'freeze'):  # PyPy has another collector
                gc.freeze()  # else the first collection examines all objects of the application
            gc.enable()
            job = self.jobs.take()
            if job is None:
                self.loaded(b'wsgi')
            else:
                response, problem = self.serve(job, app, stderr)
                if problem:
                    self.jobs.failed(*problem)
                job.connection.close()
                self.jobs.done(response.sent, response.end())

    def loaded(self, interface):
        """There is no job: the application is loaded, and that was all."""
        self.cache.save()
        self.cache.save = lambda: None
        self.jobs.loaded(self.cache.settled(), interface)

    def go_warm(self, app, stderr):
        """Become a warm worker, or a process that forks them."""
        from _socketgi import accept, board as boards
        from _socketgi.job import mend
        self.cache.save()
        self.cache.save = lambda: None
        is_asgi = type(app) is application.Asgi
        if is_asgi:
            from _socketgi import asgiworker
            if self.log:
                from _socketgi import requestlog
                self.log = requestlog.per_task()
        for stream in sys.stdout, sys.stderr:
            if hasattr(stream, 'reconfigure'):  # so that each line is logged at once, not at the end
                stream.reconfigure(line_buffering=True)
        shared = accept.Shared(self.settings, ALWAYS)
        if self.settings['warm-path']:
            from _socketgi import warming
            warming.ask(app, self.settings['warm-path'])
            self.check()
        mend(self.jobs.log)
        pages, board = None, 7
        if self.watched:
            self.watched.report()
        if self.way == 'parent':
            from _socketgi import parent
            forks = parent.Parent(self.jobs, shared.fds(), self.settings['fresh'], b'asgi' if is_asgi else b'wsgi')
            control, board = forks.run()
            pages = forks.pages
            self.pid = posix.getpid()
            self.jobs = type(self.jobs)(control, self.jobs.log)
            if self.watched:
                self.watched.jobs = self.jobs

        def begin():
            if pages:
                pages.touch(shared.fds())
            if self.way != 'parent' and hasattr(gc, 'freeze'):
                gc.collect()
                gc.freeze()
            if self.way != 'parent' or is_asgi:  # in a forked worker, the startup of the lifespan is complete
                self.jobs.report(b'R')
            gc.enable()

        if is_asgi:
            asgiworker.run(self, app.app, shared, board, begin)
        else:
            requests = self.requests = accept.Requests(shared, self.jobs, boards.Board(board, shared.recording))
            begin()
            self.serve_all(requests, app, stderr)
        if pages:
            pages.tell()

    def serve_all(self, requests, app, stderr):
        """Serve requests until there are no more, or this process has had its share."""
        while True:
            job = requests.take()
            if job is None:
                return
            if self.log:
                self.log(job.id)
            requests.over(job, *self.serve(job, app, stderr))
            last = requests.spent()
            if self.log:
                self.log(b'')
            self.connection = None
            if self.watched:
                self.watched.report()
            if last:
                return

    def serve(self, job, app, stderr):
        """Serve one request with app. Return its Response, and the kind and the text of the
        application's failure, or None."""
        environ, once = job.environ, self.way == 'once'
        complete_environ(environ, job.body, stderr or sys.stderr, once)
        self.connection = job.connection
        # The adapter ends the response of a warm worker's job.
        response = Response(job.connection, environ['REQUEST_METHOD'], (self.requests or self.jobs).head, once or not job.number)
        problem = None
        try:
            response.run(app, environ)
        except ClientStuck as e:
            problem = 'cut', str(e)
        except ClientGone:
            pass  # there is no client for an error page
        except ShortBody as e:
            problem = 'cut', 'the application ended after %s of its Content-Length' % e
        except SystemExit as e:
            self.check(e)
            if not response.complete:
                problem = 'exit', 'the application called sys.exit(%r) during a request' % (e.code,)
        except BaseException as e:
            self.check(e)
            problem = 'exception', report(e)
        self.check()
        return response, problem

    def outside(self, e, *app):
        """Report an exception outside of a request: while app was loaded, or in a script after run_app."""
        if self.served:
            if not (isinstance(e, SystemExit) and e.code in (None, 0)):
                print(report(e), file=sys.stderr)
            return
        if self.watched:
            self.watched.report(e)
        kind = 'import'
        if isinstance(e, application.NotFound):
            text = str(e)
        elif isinstance(e, SystemExit):
            kind, text = 'exit', 'the application called sys.exit(%r) while it was loaded' % (e.code,)
        else:
            text = report(e)
        try:
            from _socketgi import hints
            hint = hints.hint(e, *app)
        except Exception:
            hint = ''  # the exception itself is more important
        self.jobs.failed(kind, '%s (%s)' % (text, hint) if hint else text)


ALWAYS = {
    'wsgi.version': (1, 0),
    'wsgi.input_terminated': True,  # it ends at the end of the body
    'wsgi.multithread': False,
    'wsgi.multiprocess': True,
    'wsgi.run_once': False,
    'wsgi.file_wrapper': FileWrapper,
}


def complete_environ(environ, body, stderr, once):
    """Add the keys of PEP 3333 to the variables of the request."""
    if 'wsgi.version' not in environ:
        environ.update(ALWAYS)
    https = environ.get('HTTPS')
    https = https and https.lower() in ('on', '1') or environ.get('REQUEST_SCHEME') == 'https'
    environ['wsgi.url_scheme'] = 'https' if https else 'http'
    environ['wsgi.input'] = body
    environ['wsgi.errors'] = stderr
    if once:
        environ['wsgi.run_once'] = True


def report(e):
    """A traceback without the runtime's own frames."""
    import traceback
    tb = e.__traceback__
    while tb is not None and tb.tb_frame.f_code.co_filename.startswith(('<socketgi>', '<string>')):
        tb = tb.tb_next
    return ''.join(traceback.format_exception(type(e), e, tb)).rstrip()
