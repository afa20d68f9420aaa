import hashlib
import os
import time

from flask import Flask, Response, abort, make_response, redirect, request, url_for

app = Flask(__name__)


@app.route('/')
def index():
    return 'Flask here'


@app.route('/upload', methods=['POST'])
def upload():
    digest, size = hashlib.sha256(), 0
    while True:
        part = request.stream.read(1 << 16)
        if not part:
            break
        digest.update(part)
        size += len(part)
    return '%d %s' % (size, digest.hexdigest())


@app.route('/form', methods=['POST'])
def form():
    f = request.files['file']
    return '%s %d %s' % (f.filename, len(f.read()), request.form['field'])


@app.route('/stream')
def stream():
    gate = os.environ.get('GATE', '/srv/gate')

    def chunks():
        yield 'first\n'
        while not os.path.exists(gate):
            time.sleep(0.01)
        yield 'second\n'
    return Response(chunks(), headers={'X-Accel-Buffering': 'no'}, mimetype='text/plain')


@app.route('/cookie')
def cookie():
    response = make_response('had %s' % request.cookies.get('seen', 'none'))
    response.set_cookie('seen', 'yes')
    return response


@app.route('/away')
def away():
    return redirect(url_for('index', _external=True))


@app.route('/caf\u00e9/<name>')
def cafe(name):
    return 'caf\u00e9 ' + name


@app.route('/big-header')
def big_header():
    response = make_response('big')
    response.headers['X-Big'] = 'x' * 20000
    return response


@app.route('/missing')
def missing():
    abort(404)


@app.route('/broken')
def broken():
    raise RuntimeError('secret detail')
