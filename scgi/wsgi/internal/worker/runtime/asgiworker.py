"""A warm worker of an ASGI application: it handles many requests at once on its event loop.

It accepts connections and receives jobs as in accept.py. It applies the timeout itself: the adapter kills it
only if the loop is blocked.
"""
import asyncio  # noqa: F401  # for the comments
import posix
import signal
from time import monotonic

from _socketgi import accept, asgi, places

_TURN = 0.25  # seconds between the turns of the loop that are reported on the board
_ENDS = 1  # seconds in which a cancelled request must end


def run(worker, app, shared, board, begin):
    """Serve requests until the worker is told to end. begin is called before the first one."""
    server = asgi.Server(app)
    server.most = int(worker.settings.get('max-message') or 0)
    problem = server.start(shared.timeout, shared.timeout_text)
    worker.check()
    if problem:
        worker.jobs.failed('import', problem[1])
        return
    requests = worker.requests = Requests(worker, shared, board, server)
    if shared.requests != 1 and signal.getsignal(signal.SIGUSR2) == signal.SIG_DFL:  # a fresh process has one request
        import faulthandler
        faulthandler.register(signal.SIGUSR2, all_threads=False)  # the adapter requests a traceback with it
    begin()
    server.run(requests.run())
    server.stop()
    worker.check()


class Running:
    """A current request."""

    __slots__ = ('job', 'place', 'board', 'timeout', 'until', 'late', 'task')

    def __init__(self, job, board, timeout):
        self.job = job
        self.board = board
        self.place = board.place
        self.timeout = timeout
        self.until = timeout and monotonic() + timeout  # 0: no limit
        self.late = False
        self.task = None  # type: asyncio.Task

    def announce(self, status):
        self.board.select(self.place)
        self.board.head(status)
        if status == 101:  # an open WebSocket has no time limit; when it is closed, the application has its time again
            self.until = 0 if self.until else self.timeout and monotonic() + self.timeout


class Requests(accept.Requests):
    """The requests of one worker. done is set at the end, with an exception if the application has closed a
    descriptor of the runtime."""

    about_to = 1  # millisecond, in which the loop is blocked

    def __init__(self, worker, shared, board, server):
        super().__init__(shared, worker.jobs, places.Places(board, shared.recording, shared.concurrency))
        self.worker = worker
        self.server = server
        self.loop = server.loop
        self.done = self.loop.create_future()
        self.running = set()  # type: set
        self.connections = {}  # type: dict  # the newest one for each descriptor
        self.turning = False  # the board has reports of turns
        self.full = True    # no request is accepted, at first until the adapter permits it
        self.last = False   # no further request will begin
        self.mixed = False  # requests have overlapped

    def forked(self):
        super().forked()
        for request in self.running:
            request.job.connection.forked()

    async def run(self):
        self.loop.add_reader(self.poll.fileno(), self.ready)
        await self.done
        self.loop.remove_reader(self.poll.fileno())

    def ready(self):
        """Accept and receive the waiting requests."""
        self.board.takes()
        self.board.turn()
        try:
            for fd in self.sort([fd for fd, _ in self.poll.poll(0)]):
                listener = self.listeners.get(fd)
                if (listener or fd == self.door) and (self.full or self.last):
                    continue
                job = self.accept(listener) if listener else self.given() if fd == self.door else self.hear()
                if job:
                    self.start(job)
            if self.ending:
                self.leave()
        except (OSError, ValueError) as e:
            if self.running and isinstance(e, OSError) and e.errno in accept.TOO_MANY:
                self.fill()  # the end of a request may free a descriptor
            else:
                self.fail(self.broken(e))
        self.board.waits()

    def given(self):
        """Receive a job, if there are enough free descriptors for it: without them, its descriptors are lost."""
        spare = []
        try:
            for _ in range(3):
                spare.append(posix.dup(self.door))
        finally:
            for fd in spare:
                posix.close(fd)
        return super().given()

    def fail(self, e):
        if not self.done.done():
            self.done.set_exception(e)

    def start(self, job):
        self.mixed = self.mixed or bool(self.running)
        connection = job.connection
        previous = self.connections.get(connection.fd)
        if previous and previous.fd == connection.fd:
            previous.lose()
        self.connections[connection.fd] = connection
        request = Running(job, self.board, self.shared.timeout)
        self.running.add(request)
        request.task = self.loop.create_task(self.serve(request))  # an eager task may be complete already
        if not self.turning:
            self.turning = True
            self.loop.call_later(_TURN, self.turn)
        if self.board.count >> 16 == self.shared.requests:
            self.retire()
        elif not self.board.free:
            self.fill()

    def watch(self, fds):
        super().watch(fds)
        self.full = False

    def fill(self):
        """Accept no request until one ends."""
        if not (self.full or self.last):
            self.unwatch(self.inlets())
            self.full = True

    def turn(self):
        """Report a turn of the loop to the adapter, and apply the timeout."""
        self.turning = bool(self.running)
        if self.turning:
            self.board.turn()
            self.loop.call_later(_TURN, self.turn)
        now = monotonic()
        for request in list(self.running):
            if request.until and now > request.until:
                if not request.late:
                    request.late = True
                    request.task.cancel()
                elif now > request.until + _ENDS:
                    self.give_up(request)

    def give_up(self, request):
        """End a request whose cancelled task continues, for example because it waits for a thread."""
        response = request.job.response
        for task in getattr(response, 'tasks', ()):
            task.cancel()
        response.stream.end()
        self.running.remove(request)
        self.finish(request, response, self.lateness())

    def lateness(self):
        return 'timeout', 'no end of the response after ' + self.shared.timeout_text

    async def serve(self, request):
        if self.worker.log:
            self.worker.log(request.job.id)
        try:
            response, problem = await self.server.serve(request.job, request.announce)
        except BaseException as e:  # of the runtime instead of the application: this process ends
            self.broken(e)
            self.fail(e)
            raise
        self.worker.check()
        if request not in self.running:
            return  # give_up has ended it
        if request.late and (problem or not response.complete) and not response.gone:
            problem = self.lateness()
        self.running.remove(request)
        self.finish(request, response, problem)

    def finish(self, request, response, problem):
        """Report the end of a request, and accept further ones."""
        self.board.select(request.place)
        try:
            self.over(request.job, response, problem)
            self.board.leave()
            if self.worker.watched:
                self.worker.watched.report()
            if self.full and not self.last:
                self.watch(self.inlets())
            if not self.last and self.meter and self.meter.large():
                self.retire()
        except (OSError, ValueError) as e:
            self.fail(self.broken(e))
        if self.last and not self.running and not self.done.done():
            self.done.set_result(None)

    def cost(self):
        """Return the cost of a request, which is unknown if requests have overlapped."""
        cost, mixed = super().cost(), self.mixed
        self.mixed = bool(self.running)
        return (0, 0) if mixed else cost

    def inlets(self):
        return [self.door, *self.listeners] if self.accepts else [self.door]

    def quiet(self):  # the service stops soon
        self.server.leaving.set()
        if not self.accepts:
            return  # the last request has begun; it may be a WebSocket
        if not self.full:
            self.unwatch(self.listeners)
        self.accepts = False
        self.control.report(b'B')

    def retire(self):
        """Accept no further request."""
        if self.last:
            return
        self.last = True
        if not self.full:
            self.unwatch(self.inlets())
        self.accepts = False
        self.control.report(b'B')
        if not self.running and not self.done.done():
            self.done.set_result(None)

    def leave(self):
        """End open WebSockets and accept nothing, because the adapter has closed its side."""
        self.unwatch([self.control.socket.fileno()])
        self.ending = False
        self.server.leaving.set()
        self.retire()
