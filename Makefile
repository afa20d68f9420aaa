# make demo    serve the hello application on http://127.0.0.1:$(PORT)/
# make test    install what the tests need (as root on Debian), and run all of them
# make bench   the figures of the README
# make fuzz    fuzz the decoder and the encoder, FUZZTIME each

GO     ?= go
PORT   ?= 8080
FUZZTIME ?= 30s
export CGO_ENABLED ?= 0

.PHONY: all build demo test test-tools lint bench fuzz clean

all: build

build:
	$(GO) build -trimpath -ldflags '-s -w' -o bin/ ./cmd/...

demo: build
	@exec bin/socketgi dev scgi/wsgi/testdata/hello.py --listen 127.0.0.1:$(PORT)

clean:
	rm -rf bin
