# make          build the programs, man pages and completions in bin/
# make demo     serve the hello application on http://127.0.0.1:$(PORT)/
# make test     install the packages that the tests need (as root on Debian), and run them all
# make check    the tests that need neither root nor an image
# make test-all  make test with every Python there is, both images whole, and torture
# make images   make the root trees of Debian that tests boot
# make lint     run formatters, vet, staticcheck, shellcheck, ruff and mypy
# make vulncheck  look for known vulnerabilities in the functions that are called of dependencies
# make install  install the files that make has built, below $(DESTDIR)$(PREFIX), by the GNU Coding Standards; make uninstall
# make deb rpm  make packages of Debian and Fedora in bin/
# make bench    measure the figures of units/e2e/PERFORMANCE.md and write it; make bench-hardening each directive's cost
#               make bench-warm those of warm applications alone, ROUNDS=3 DURATION=1s APP=hello; make bench-asgi those of ASGI
# make torture  the tests of faults and hostile input, longer, and held to the time
# make fuzz     fuzz all that parses input of others, for FUZZTIME each; make fuzz-FuzzFind one of them
GO       ?= go
PORT     ?= 8080
OUT      ?= bin
FUZZTIME ?= 30s
# The newest version that the changelog has.
VERSION  ?= $(shell sed -n 's/^\#\# \[\([0-9][^]]*\)\].*/\1/p' CHANGELOG.md | head -n 1)
COMMIT   ?= $(shell git describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null)
ABOUT    := github.com/socketgi/socketgi/cmd/internal/version
LDFLAGS  := -s -w -X $(ABOUT).release=$(VERSION) -X $(ABOUT).commit=$(COMMIT)
export GO OUT VERSION

# The programs, man pages and completions, for make install.
all: build
	@$(MAKE) --no-print-directory -f units/packaging/Makefile share

# Without cgo a program starts a millisecond faster, and runs on every Linux.
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(OUT)/ ./cmd/socketgi ./cmd/socketgi-adapter

demo: build
	@exec $(OUT)/socketgi dev scgi/wsgi/testdata/hello.py --listen 127.0.0.1:$(PORT)

deb rpm: all
	@$(MAKE) --no-print-directory -f units/packaging/Makefile $@

# These build nothing, so that root needs no Go.
install uninstall:
	@$(MAKE) --no-print-directory -f units/packaging/Makefile $@

check: lint
	@.tools/tests check

test: images lint
	@.tools/tests booted check

test-all: images lint
	@.tools/tests all

# These tests are in make test, too, and do less there.
torture: images
	@.tools/tests torture

images:
	@units/packaging/prerequisites
	$(GO) run ./units/internal/machine/images

lint:
	@.tools/lint

vulncheck: # by https://vuln.go.dev, or a copy of it: VULNDB=file:///DIRECTORY
	$$($(GO) -C .tools tool -n govulncheck) $(if $(VULNDB),-db $(VULNDB)) ./...

bench bench-hardening bench-warm bench-asgi: images
	@.tools/bench $(@:bench-%=%)

# Findings are kept beside the tests, in testdata/fuzz, and tried by make test from then on.
fuzz:
	@.tools/fuzz $(FUZZTIME)

fuzz-%:
	@.tools/fuzz $(FUZZTIME) $*

clean:
	rm -rf $(OUT)

.PHONY: all build demo install uninstall deb rpm images check test test-all lint vulncheck bench bench-hardening bench-warm bench-asgi torture fuzz clean
