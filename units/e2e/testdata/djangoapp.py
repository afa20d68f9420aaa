import hashlib
import os
import time

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import Http404, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import path, reverse

settings.configure(
    DEBUG=False, SECRET_KEY='test', ROOT_URLCONF=__name__, ALLOWED_HOSTS=['*'],
    DATA_UPLOAD_MAX_MEMORY_SIZE=None, USE_TZ=True,
    LOGGING={'version': 1, 'disable_existing_loggers': False,
             'handlers': {'stderr': {'class': 'logging.StreamHandler'}}, 'root': {'handlers': ['stderr']}},
    MIDDLEWARE=['django.middleware.common.CommonMiddleware'])


def index(request):
    return HttpResponse('Django here')


def upload(request):
    digest, size = hashlib.sha256(), 0
    for part in iter(lambda: request.read(1 << 16), b''):
        digest.update(part)
        size += len(part)
    return HttpResponse('%d %s' % (size, digest.hexdigest()))


def form(request):
    f = request.FILES['file']
    return HttpResponse('%s %d %s' % (f.name, f.size, request.POST['field']))


def stream(request):
    gate = os.environ.get('GATE', '/srv/gate')

    def chunks():
        yield 'first\n'
        while not os.path.exists(gate):
            time.sleep(0.01)
        yield 'second\n'
    response = StreamingHttpResponse(chunks(), content_type='text/plain')
    response['X-Accel-Buffering'] = 'no'
    return response


def cookie(request):
    response = HttpResponse('had %s' % request.COOKIES.get('seen', 'none'))
    response.set_cookie('seen', 'yes')
    return response


def away(request):
    return HttpResponseRedirect(request.build_absolute_uri(reverse('index')))


def cafe(request, name):
    return HttpResponse('caf\u00e9 ' + name)


def big_header(request):
    return HttpResponse('big', headers={'X-Big': 'x' * 20000})


def missing(request):
    raise Http404


def broken(request):
    raise RuntimeError('secret detail')


urlpatterns = [
    path('', index, name='index'), path('upload', upload), path('form', form), path('stream', stream),
    path('cookie', cookie), path('away', away), path('caf\u00e9/<name>', cafe), path('big-header', big_header),
    path('missing', missing), path('broken', broken)]
application = get_wsgi_application()
