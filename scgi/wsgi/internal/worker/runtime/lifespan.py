"""The lifespan of an ASGI application in one process, by the specification of 2.0
(https://asgi.readthedocs.io/en/latest/specs/lifespan.html). Sentences in quotes are from it."""
import sys
from asyncio import Event


class Lifespan:
    """startup runs before the first request, shutdown after the last one. state is the application's state for
    its requests."""

    def __init__(self, app, loop):
        self.app = app
        self.loop = loop
        self.state = {}         # type: dict
        self.asked = 0          # the number of messages that the application has requested
        self.began = Event()    # the startup is complete or has failed, or there is no lifespan
        self.ends = Event()
        self.ended = Event()
        self.complete = False   # the startup is complete
        self.problem = None     # the kind and the text of its failure

    async def startup(self):
        """Return the kind and the text of the failure, or None."""
        self.task = self.loop.create_task(self._run())  # the only reference to the task
        await self.began.wait()
        return self.problem

    async def shutdown(self):
        if self.complete and not self.ended.is_set():
            self.ends.set()
            await self.ended.wait()

    async def _run(self):
        try:
            await self.app({'type': 'lifespan', 'asgi': {'version': '3.0', 'spec_version': '2.0'}, 'state': self.state},
                           self._receive, self._send)
        except BaseException as e:
            self._raised(e)
        finally:
            self.began.set()
            self.ended.set()

    def _raised(self, e):
        if isinstance(e, SystemExit) and not self.ended.is_set():
            text = 'the application called sys.exit(%r) in its lifespan' % (e.code,)
            if self.began.is_set():
                print(text, file=sys.stderr)
            else:
                self.problem = 'exit', text
        elif self.complete and not self.ended.is_set():
            from _socketgi.worker import report
            print('in the lifespan of the application: %s' % report(e), file=sys.stderr)
        # "If an exception is raised when calling the application callable with a lifespan.startup message
        # ..., the server must continue but not send any lifespan events". Otherwise the application has reported the
        # failure.

    async def _receive(self):
        self.asked += 1
        if self.asked == 1:
            return {'type': 'lifespan.startup'}
        await self.ends.wait()
        if self.asked > 2:
            await self.loop.create_future()  # no further message exists
        return {'type': 'lifespan.shutdown'}

    async def _send(self, message):
        kind = message['type']
        text = message.get('message', '')
        if kind in ('lifespan.startup.complete', 'lifespan.startup.failed'):
            if self.began.is_set():
                raise RuntimeError('unexpected %s: the startup is over' % kind)
            if kind == 'lifespan.startup.complete':
                self.complete = True
            else:
                self.problem = 'import', 'the application has sent lifespan.startup.failed: ' + text.rstrip()
            self.began.set()
        elif kind in ('lifespan.shutdown.complete', 'lifespan.shutdown.failed'):
            if not self.ends.is_set() or self.ended.is_set():
                raise RuntimeError('unexpected %s: there was no lifespan.shutdown' % kind)
            if kind == 'lifespan.shutdown.failed':
                print('in the lifespan of the application: %s' % (text.rstrip() or kind), file=sys.stderr)
            self.ended.set()
        else:
            raise ValueError('%r is not a message of a lifespan' % (kind,))
