"""A worker's life: load the application, serve jobs, end.

argv: -c CACHE KIND WHERE NAME WAY ; descriptor 3 is the job socket. WAY is "once" for a
single job, "many" for as many as come, "parent" for a process that forks such workers
(parent.py), whose descriptor 3 is for that. The latter two have the board as descriptor 6
(job.py, Board), and more arguments: SLOT is their place on it, LIMIT that of their Meter,
WATCH "watch" when the adapter wants to know the files of modules (files.py), WARM-PATH what
to ask the application for before anybody else does (warming.py), FRESH "fresh" when each
worker gets one job only (touching.py), and MARK "mark" when lines of the log are told by the
request that they are of (requestlog.py).
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
    cache = StartCache(cache_file, start, fresh)
    sys.argv = [where]
    jobs = JobSocket(3)
    watched = log = None
    if more and more[5]:
        from _socketgi import requestlog
        requestlog.install()
        log = requestlog.begin
    if more and more[2]:
        from _socketgi import files
        watched = files.Watched(jobs, '' if kind == 'module' else where)
    site = quicksite.Site(cache)
    worker = Worker(jobs, way, more[:5], cache, watched, log)
    try:
        app = application.load(kind, where, name, cache, site, worker.work)
        if app is not None:
            worker.work(app, None)
    except BaseException as e:
        worker.check(e)
        worker.outside(e, kind, where, name)
    worker.check()
    ending.leave(cache.save)


class Worker:
    def __init__(self, jobs, way, more, cache, watched, log):
        self.jobs = jobs
        self.way = way
        self.more = more
        self.cache = cache
        self.watched = watched
        self.log = log
        self.served = False
        self.pid = posix.getpid()
        self.connection = None
        posix.register_at_fork(after_in_child=self.forked)

    def forked(self):
        """In a process that was forked, by the application unless parent.py goes on with it."""
        self.jobs.forked()
        if self.connection:
            self.connection.forked()

    def check(self, e=None):
        """End a process that the application has forked when it comes back from it, by the exception
        e or without one: only who was started for it takes requests, answers and reports. That a
        fork was made by other means than Python's, and forked not called, is found here, too."""
        if posix.getpid() != self.pid:
            ending.leave_fork(e)

    def work(self, app, stderr):
        """Serve what is asked with app, once or until there is nobody to ask."""
        self.check()
        if self.served:
            raise RuntimeError('a process serves one request: run_app was called twice')
        self.served = True
        if self.way == 'once':
            if hasattr(gc, 'freeze'):  # PyPy has another collector
                gc.freeze()  # else the first collection looks at everything that was loaded
            gc.enable()
            job = self.jobs.take()
            if job is None:
                self.cache.save()
                self.cache.save = lambda: None
                self.jobs.loaded(self.cache.settled())
            else:
                self.serve(job, app, stderr)
            return
        self.cache.save()
        self.cache.save = lambda: None
        jobs, pages = self.go_warm(app, *self.more)
        while True:
            job = jobs.take()
            if job is None:
                return
            if self.log:
                self.log(job.id)
                self.serve(job, app, stderr)
                self.log(b'')
            else:
                self.serve(job, app, stderr)
            if self.watched:
                self.watched.report()
            if job.last:
                if pages:
                    pages.tell()
                return

    def go_warm(self, app, slot, limit, watch, warm_path, fresh):
        """Become a worker for many jobs, or a process that forks such workers."""
        from _socketgi.job import open_board, room
        for stream in sys.stdout, sys.stderr:
            if hasattr(stream, 'reconfigure'):  # what is printed is in the log at once, not at the end
                stream.reconfigure(line_buffering=True)
        if warm_path:
            from _socketgi import warming
            warming.ask(app, warm_path)
            self.check()
        self.jobs.mend(())
        pages = None
        if self.watched:
            self.watched.report()
        board, slot, limit, buffer = open_board(6), int(slot), int(limit), room()
        if self.way == 'parent':
            from _socketgi import parent
            forks = parent.Parent(self.jobs, fresh)
            fd, slot = forks.run()
            pages = forks.pages
            self.jobs = JobSocket(fd, self.jobs.log)
            self.pid = posix.getpid()
            if self.watched:
                self.watched.jobs = self.jobs
            self.jobs.go_warm(board, slot, limit, buffer)
        else:
            self.jobs.go_warm(board, slot, limit, buffer)
            if hasattr(gc, 'freeze'):
                gc.collect()
                gc.freeze()
            self.jobs.ready()
        gc.enable()
        return self.jobs, pages

    def serve(self, job, app, stderr):
        """Serve one job with app."""
        environ = job.environ
        complete_environ(environ, job.body, stderr or sys.stderr, self.way == 'once')
        jobs = self.jobs
        self.connection = job.connection
        response = Response(job.connection, environ['REQUEST_METHOD'], jobs.head, self.way == 'once')
        jobs.begin()
        try:
            response.run(app, environ)
        except ClientStuck as e:
            jobs.failed('cut', str(e))
        except ClientGone:
            pass  # nobody is there to be told
        except ShortBody as e:
            jobs.failed('cut', 'the application ended after %s of its Content-Length' % e)
        except SystemExit as e:
            self.check(e)
            if not response.complete:
                jobs.failed('exit', 'the application called sys.exit(%r) during a request' % (e.code,))
        except BaseException as e:
            self.check(e)
            jobs.failed('exception', report(e))
        self.check()
        job.connection.close()
        self.connection = None
        jobs.done(response.sent, response.end(), response.code if response.head_sent else 0)

    def outside(self, e, *app):
        """What was raised outside of a request: while app was loaded, or in a script after run_app."""
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
            hint = ''  # what is wrong counts more
        self.jobs.failed(kind, '%s (%s)' % (text, hint) if hint else text)


_ALWAYS = {
    'wsgi.version': (1, 0),
    'wsgi.input_terminated': True,  # it ends where the body ends, whatever CONTENT_LENGTH says
    'wsgi.multithread': False,
    'wsgi.multiprocess': True,
    'wsgi.file_wrapper': FileWrapper,
}


def complete_environ(environ, body, stderr, once):
    """Add the keys of PEP 3333 to the variables of the request."""
    environ.update(_ALWAYS)
    https = environ.get('HTTPS')
    https = https and https.lower() in ('on', '1') or environ.get('REQUEST_SCHEME') == 'https'
    environ['wsgi.url_scheme'] = 'https' if https else 'http'
    environ['wsgi.input'] = body
    environ['wsgi.errors'] = stderr
    environ['wsgi.run_once'] = once


def report(e):
    """A traceback without the runtime's own frames."""
    import traceback
    tb = e.__traceback__
    while tb is not None and tb.tb_frame.f_code.co_filename.startswith(('<socketgi>', '<string>')):
        tb = tb.tb_next
    return ''.join(traceback.format_exception(type(e), e, tb)).rstrip()
