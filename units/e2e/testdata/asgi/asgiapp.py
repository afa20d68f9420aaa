"""An ASGI application without a framework, for what servers do at the edges of the specification."""
import asyncio
import hashlib
import json
import os

OPEN = '/srv/open/'
NAME = os.environ.get('NAME', 'asgi')


def note(text):
    """Append a line to what the test reads."""
    with open(OPEN + 'notes-' + NAME, 'a') as f:
        f.write(text + '\n')


async def gate(name):
    while not os.path.exists(OPEN + 'gate-' + name):
        await asyncio.sleep(0.01)


async def app(scope, receive, send):
    if scope['type'] == 'lifespan':
        return await lifespan(scope, receive, send)
    path = scope['path'][len(scope.get('root_path', '')):] if scope['path'].startswith(scope.get('root_path') or '/') else scope['path']
    kind, _, name = path.strip('/').partition('/')
    await globals()['do_' + kind](scope, receive, send, name)


async def lifespan(scope, receive, send):
    while True:
        message = await receive()
        if message['type'] == 'lifespan.startup':
            note('startup %d' % os.getpid())
            scope.get('state', {})['started'] = os.getpid()
            await send({'type': 'lifespan.startup.complete'})
        elif message['type'] == 'lifespan.shutdown':
            note('shutdown %d' % os.getpid())
            await send({'type': 'lifespan.shutdown.complete'})
            return


async def start(send, status=200, *headers):
    await send({'type': 'http.response.start', 'status': status, 'headers': [(b'content-type', b'text/plain'), *headers]})


async def body(send, data, more=False):
    await send({'type': 'http.response.body', 'body': data, 'more_body': more})


async def text(send, data):
    await start(send)
    await body(send, data.encode())


async def all_of(receive):
    pieces, more = [], True
    while more:
        message = await receive()
        pieces.append(message['body'])
        more = message['more_body']
    return pieces


async def do_scope(scope, receive, send, name):
    def plain(v):
        if isinstance(v, bytes):
            return v.decode('latin-1')
        if isinstance(v, (list, tuple)):
            return [plain(x) for x in v]
        if isinstance(v, dict):
            return {k: plain(x) for k, x in v.items() if k != 'app'}
        return v if isinstance(v, (str, int, float, type(None))) else repr(v)
    await text(send, json.dumps(plain(scope)))


async def do_pid(scope, receive, send, name):
    await text(send, '%d %d' % (os.getpid(), scope.get('state', {}).get('started', 0)))


async def do_upload(scope, receive, send, name):
    pieces = await all_of(receive)
    whole = b''.join(pieces)
    await text(send, '%d %s' % (len(whole), hashlib.sha256(whole).hexdigest()))


async def do_download(scope, receive, send, name):
    await start(send)
    for n in range(int(name)):
        await body(send, bytes([n % 256]) * 65536, True)
    await body(send, b'')


async def do_events(scope, receive, send, name):
    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-type', b'text/event-stream')]})
    await body(send, b'data: one\n\n', True)
    await gate(name)
    await body(send, b'data: two\n\n')


async def do_background(scope, receive, send, name):
    await text(send, 'answered')
    await gate(name)
    note('background ' + name)


async def do_disconnect(scope, receive, send, name):
    await all_of(receive)
    await start(send)
    await body(send, b'.', True)
    message = await receive()
    note('%s %s' % (message['type'], name))


async def do_sleep(scope, receive, send, name):
    await asyncio.sleep(float(name))
    await text(send, 'slept')


async def do_hang(scope, receive, send, name):
    await asyncio.sleep(1000)


# Cases that the specification leaves to the server, or forbids to the application.

async def do_nothing(scope, receive, send, name):
    pass


async def do_raise(scope, receive, send, name):
    raise RuntimeError('secret detail')


async def do_onlystart(scope, receive, send, name):
    await start(send)


async def do_raiselater(scope, receive, send, name):
    await start(send)
    await body(send, b'part', True)
    await asyncio.sleep(0.1)
    raise RuntimeError('secret detail')


async def do_nolast(scope, receive, send, name):
    await start(send)
    await body(send, b'part', True)


async def do_twice(scope, receive, send, name):
    await start(send)
    await start(send, 404)
    await body(send, b'body')


async def do_nostart(scope, receive, send, name):
    await body(send, b'body')


async def do_after(scope, receive, send, name):
    await text(send, 'body')
    await body(send, b'more')


async def do_short(scope, receive, send, name):
    await start(send, 200, (b'content-length', b'10'))
    await body(send, b'short')


async def do_long(scope, receive, send, name):
    await start(send, 200, (b'content-length', b'4'))
    await body(send, b'too long')


async def do_unknown(scope, receive, send, name):
    await send({'type': 'http.response.unknown'})


async def do_str(scope, receive, send, name):
    await start(send)
    await send({'type': 'http.response.body', 'body': 'text'})


async def do_nobody(scope, receive, send, name):
    await start(send)
    await send({'type': 'http.response.body'})


async def do_noheaders(scope, receive, send, name):
    await send({'type': 'http.response.start', 'status': 200})
    await body(send, b'body')


async def do_upper(scope, receive, send, name):
    await start(send, 200, (b'X-Upper', b'Value'))
    await body(send, b'body')


async def do_split(scope, receive, send, name):
    await start(send, 200, (b'x-split', b'a\r\nx-evil: b'))
    await body(send, b'body')


async def do_connection(scope, receive, send, name):
    await start(send, 200, (b'connection', b'close'), (b'transfer-encoding', b'chunked'))
    await body(send, b'body')


async def do_status(scope, receive, send, name):
    await start(send, int(name))
    await body(send, b'' if name in ('204', '304') else b'body')


async def do_bodyof204(scope, receive, send, name):
    await start(send, 204)
    await body(send, b'body')


async def do_again(scope, receive, send, name):
    """receive behind the body."""
    await all_of(receive)
    await text(send, 'body')
    note('again ' + name + ' ' + (await receive())['type'])


async def do_cancel(scope, receive, send, name):
    raise asyncio.CancelledError


async def do_exit(scope, receive, send, name):
    raise SystemExit(3)
