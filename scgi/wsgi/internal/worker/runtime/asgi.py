"""A worker with an ASGI application: the event loop, the lifespan and the requests. asgihttp.py and
asgisocket.py serve a request."""
import asyncio
import gc
import signal
import posix

from _socketgi import stream, asgihttp, lifespan  # noqa: F401  # the second imports from the first


_loaded = posix.getpid()  # the process that has loaded the application


def existing_loop():
    """Return the loop that the application has set while it was loaded: its objects may belong to that loop.
    None without such a loop, and in a process other than the one that has created it."""
    policy = getattr(asyncio.events, '_event_loop_policy', None)
    loop = getattr(getattr(policy, '_local', None), '_loop', None)
    return loop if loop is not None and not loop.is_closed() and posix.getpid() == _loaded else None


def new_loop():
    """Create a loop: uvloop's if the application's environment has it."""
    try:
        import uvloop
    except ImportError:
        loop = asyncio.new_event_loop()
    else:
        loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


class Server:
    """The application on its loop, in one process."""

    def __init__(self, app):
        self.app = app
        existing = existing_loop()
        self.loop = existing or new_loop()
        self.keeps = existing is not None  # the application has created the loop
        self.lifespan = lifespan.Lifespan(app, self.loop)
        self.leaving = asyncio.Event()  # set to end open WebSockets
        self.most = 0  # the maximum size of a WebSocket message in bytes; 0: no limit
        self.single = False  # the process serves one request, so SIGTERM ends its WebSocket

    def run(self, coroutine):
        """Return the result of the coroutine. A SystemExit in a task of the application leaves the loop, but is
        also raised where the application waits for that task, so the loop continues."""
        task = self.loop.create_task(coroutine)
        while True:
            try:
                return self.loop.run_until_complete(task)
            except BaseException as e:
                if task.done():
                    return task.result()
                if not isinstance(e, SystemExit):
                    raise  # the application has closed a descriptor of the loop

    def start(self, timeout=0, text=''):
        """Run the startup of the lifespan, for at most timeout seconds (0: no limit). Return the kind and the
        text of its failure, or None."""
        try:
            return self.run(asyncio.wait_for(self.lifespan.startup(), timeout or None))
        except asyncio.TimeoutError:
            return 'import', 'the startup of the lifespan was not complete within ' + text

    async def serve(self, job, announce):
        if 'HTTP_UPGRADE' in job.environ:
            from _socketgi import websocket
            if websocket.requested(job.environ):
                from _socketgi import asgisocket
                return await asgisocket.serve(self, job, announce)
        return await asgihttp.serve(self.app, job, self.lifespan.state, announce)

    def opened(self):
        """Make SIGTERM end an open WebSocket."""
        if self.single and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            self.loop.add_signal_handler(signal.SIGTERM, self.leaving.set)

    def stop(self):
        """Run the shutdown of the lifespan, and end all tasks, as asyncio.run does."""
        self.run(self._stop())

    async def _stop(self):
        await self.lifespan.shutdown()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            if not task.cancelled() and task.exception() is not None:
                self.loop.call_exception_handler({'message': 'a task has failed at the end of the application',
                                                  'exception': task.exception(), 'task': task})
        await self.loop.shutdown_asyncgens()

    def close(self):
        """Close the loop in a process that forks workers, which create their own."""
        self.run(self._stop())
        if not self.keeps:
            self.loop.close()
            asyncio.set_event_loop(None)


def once(worker, app):
    """Serve a single job, or none."""
    server = Server(app.app)
    server.single, server.most = True, int(worker.settings.get('max-message') or 0)
    if hasattr(gc, 'freeze'):  # PyPy has another collector
        gc.freeze()
    gc.enable()
    job = worker.jobs.take()
    if job is None:
        worker.loaded(b'asgi')
        return
    worker.connection = job.connection
    problem = server.start()
    worker.check()
    if problem:
        worker.jobs.failed('import', problem[1])
        return
    response, problem = server.run(server.serve(job, worker.jobs.head))
    if problem:
        worker.jobs.failed(*problem)
    job.connection.close()
    worker.jobs.done(response.sent, response.end())
    server.stop()
    worker.check()
