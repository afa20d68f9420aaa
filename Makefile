# make demo     serve the hello application on http://127.0.0.1:$(PORT)/
# make test     install what the tests need (as root on Debian), and run them all
# make check    the tests that need neither root nor an image
# make images   make the images that tests boot: Debian 12 and 13
# make lint     have formatting, go vet, staticcheck and shellcheck find nothing
# make vulncheck  ask whether what it depends on has a known vulnerability that it calls
# make install  install below $(DESTDIR)$(PREFIX), as the GNU Coding Standards have it; make uninstall
# make deb rpm  make packages of Debian and Fedora in bin/
# make bench    measure the figures of the README
# make bench-hardening  measure what each directive of the profiles costs
# make torture  the tests of faults and hostile input, longer, and held to the time
# make fuzz     fuzz all that reads what others wrote, for FUZZTIME each; make fuzz-FuzzFind one of them

GO       ?= go
PORT     ?= 8080
PREFIX   ?= /usr/local
DESTDIR  ?=
OUT      ?= bin
FUZZTIME ?= 30s
# The newest version that the changelog has.
VERSION  ?= $(shell sed -n 's/^\#\# \[\([0-9][^]]*\)\].*/\1/p' CHANGELOG.md | head -n 1)
DATE     := $(shell sed -n 's/^\#\# \[[0-9].*\] - //p' CHANGELOG.md | head -n 1)
COMMIT   ?= $(shell git describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null)
ABOUT    := github.com/socketgi/socketgi/cmd/internal/version
LDFLAGS  := -s -w -X $(ABOUT).release=$(VERSION) -X $(ABOUT).commit=$(COMMIT)

# The programs that look at the code are a module of their own: what they depend on is
# nothing that socketgi does, and Go fetches the newer Go that they ask for.
TOOL      = $$($(GO) -C .tools tool -n $(1))

# What the tests need of this machine; the rest is in the images that they boot.
PACKAGES := mmdebstrap systemd-container util-linux python3 python3-venv pypy3 pypy3-venv gcc libc6-dev mandoc shellcheck

.PHONY: build share demo install uninstall deb rpm packages images check test lint vulncheck bench bench-hardening torture fuzz clean

# Without cgo a program starts a millisecond faster, and runs on every Linux.
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(OUT)/ ./cmd/socketgi ./cmd/socketgi-adapter

demo: build
	@exec $(OUT)/socketgi dev scgi/wsgi/testdata/hello.py --listen 127.0.0.1:$(PORT)

# What goes with the programs is made by them: man pages and completions.
share: build
	@rm -rf $(OUT)/share && mkdir -p $(OUT)/share
	$(OUT)/socketgi man --date $(DATE) $(OUT)/share/man
	@for shell in bash zsh fish; do $(OUT)/socketgi completion $$shell > $(OUT)/share/$$shell; done

# Directory Variables of the GNU Coding Standards. The programs find each other below bin
# and libexec (or lib), wherever those are.
prefix      ?= $(PREFIX)
exec_prefix ?= $(prefix)
bindir      ?= $(exec_prefix)/bin
libexecdir  ?= $(exec_prefix)/libexec
datarootdir ?= $(prefix)/share
datadir     ?= $(datarootdir)
mandir      ?= $(datarootdir)/man
docdir      ?= $(datarootdir)/doc/socketgi
nginxdir    ?= $(datadir)/socketgi
bashdir     ?= $(datadir)/bash-completion/completions
zshdir      ?= $(datadir)/zsh/site-functions
fishdir     ?= $(datadir)/fish/vendor_completions.d

INSTALL         ?= install
INSTALL_PROGRAM ?= $(INSTALL) -m 755
INSTALL_DATA    ?= $(INSTALL) -m 644

# source:directory/name of everything but the programs and the man pages
DATA = $(OUT)/share/bash:$(bashdir)/socketgi $(OUT)/share/zsh:$(zshdir)/_socketgi $(OUT)/share/fish:$(fishdir)/socketgi.fish \
	units/packaging/socketgi_params:$(nginxdir)/socketgi_params README.md:$(docdir)/README.md \
	units/packaging/examples/README:$(docdir)/examples/README scgi/wsgi/testdata/hello.py:$(docdir)/examples/hello.py

install: share
	$(INSTALL) -d $(DESTDIR)$(bindir) $(DESTDIR)$(libexecdir)/socketgi
	$(INSTALL_PROGRAM) $(OUT)/socketgi $(DESTDIR)$(bindir)/socketgi
	$(INSTALL_PROGRAM) $(OUT)/socketgi-adapter $(DESTDIR)$(libexecdir)/socketgi/socketgi-adapter
	@set -e; for page in $(OUT)/share/man/*; do set -- $(DESTDIR)$(mandir)/man$${page##*.}; \
		$(INSTALL) -d $$1; $(INSTALL_DATA) $$page $$1/; done
	@set -e; for pair in $(DATA); do to=$(DESTDIR)$${pair#*:}; \
		$(INSTALL) -d $${to%/*}; $(INSTALL_DATA) $${pair%%:*} $$to; done

uninstall: share
	rm -f $(DESTDIR)$(bindir)/socketgi $(DESTDIR)$(libexecdir)/socketgi/socketgi-adapter
	@for page in $(OUT)/share/man/*; do rm -f $(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/}; done
	@for pair in $(DATA); do rm -f $(DESTDIR)$${pair#*:}; done
	@rmdir $(DESTDIR)$(libexecdir)/socketgi $(DESTDIR)$(docdir)/examples $(DESTDIR)$(docdir) $(DESTDIR)$(datadir)/socketgi 2>/dev/null || :

# The tool has requirements of its own, which are not those of who uses our packages.
NFPM = $(GO) tool -modfile=units/packaging/nfpm.mod nfpm

deb: ZSH = vendor-completions
rpm: ZSH = site-functions
deb rpm: export SOURCE_DATE_EPOCH = $(shell date -u -d $(DATE) +%s)
deb rpm:
	@rm -rf $(OUT)/$@
	@$(MAKE) --no-print-directory install DESTDIR=$(OUT)/$@ prefix=/usr nginxdir=/etc/nginx zshdir=/usr/share/zsh/$(ZSH)
	@gzip -9n $(OUT)/$@/usr/share/man/man*/*
	@gzip -9nc CHANGELOG.md > $(OUT)/$@/usr/share/doc/socketgi/changelog.gz
	@[ $@ = rpm ] || gzip -9nc units/packaging/changelog > $(OUT)/$@/usr/share/doc/socketgi/changelog.Debian.gz
	@find $(OUT)/$@ -exec touch -h -d @$$SOURCE_DATE_EPOCH {} +
	OUT=$(OUT) PACKAGER=$@ VERSION=$(VERSION) ARCH=$$($(GO) env GOARCH) \
		$(NFPM) package --config units/packaging/nfpm.yaml --packager $@ --target $(OUT)/

# Where it may (root on Debian) the packages are installed, else those that are
# missing are named; tests that need them skip then and say so.
packages:
	@missing=; for p in $(PACKAGES); do \
		dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		printf '#!/bin/sh\nexit 101\n' > /tmp/policy-rc.d.$$$$ && chmod 755 /tmp/policy-rc.d.$$$$; \
		had=; [ -e /usr/sbin/policy-rc.d ] && had=1 || mv /tmp/policy-rc.d.$$$$ /usr/sbin/policy-rc.d; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing </dev/null; }; \
		code=$$?; rm -f /tmp/policy-rc.d.$$$$; [ -n "$$had" ] || rm -f /usr/sbin/policy-rc.d; exit $$code; \
	else echo "not installed, and only root on Debian can: some tests will skip. Debian's names:$$missing" >&2; fi

# The race detector needs a C compiler.
RACE = $(shell command -v $${CC:-gcc} >/dev/null 2>&1 && echo -race)

MACHINES := ./units/e2e ./units/internal/machine
# What is tried on Debian 13, too: what systemd, nginx and Python may do differently there.
OTHERS   := ^Test(Add|Apart|Boot|CGI|Django|Doctor|Faults|Flask|Home|Exposure|Files|Limits|Network|Nginx|Package|PrivatePIDs|Programs|Readme|Status|UserManager|Validate|Warm)

check: lint
	@$(MAKE) --no-print-directory -j 2 check-race check-command

# Those of the command only drive other processes.
check-race:
	$(GO) test $(RACE) -count 1 $$($(GO) list ./... | grep -v '/cmd/socketgi$$\|/units/e2e$$\|/units/internal/machine$$')

check-command:
	$(GO) test -count 1 ./cmd/socketgi

images: packages
	$(GO) run ./units/internal/machine/images

test: images check
	@$(MAKE) --no-print-directory -j 2 test-bookworm test-trixie

test-bookworm:
	SOCKETGI_SUITE=bookworm $(GO) test -count 1 -timeout 20m $(MACHINES)

test-trixie:
	SOCKETGI_SUITE=trixie $(GO) test -count 1 -timeout 20m -run '$(OTHERS)' $(MACHINES)

lint:
	@test -z "$$(gofmt -l .)" || { echo "not formatted:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(call TOOL,staticcheck) ./...
	@if command -v shellcheck >/dev/null; then shellcheck .ci/run $$(find . -name '*.sh' ! -path './.git/*'); \
	elif [ "$$CI" = true ]; then echo "shellcheck is missing" >&2; exit 1; fi

# It asks https://vuln.go.dev; VULNDB=file:///DIRECTORY is a copy of that.
vulncheck:
	$(call TOOL,govulncheck) $(if $(VULNDB),-db $(VULNDB)) ./...

bench: PACKAGES += nginx-light python3-flask python3-django git wrk fcgiwrap
bench: images
	$(GO) test ./scgi -run '^$$' -bench ReadRequest -benchmem
	CGO_ENABLED=0 $(GO) test ./cmd/socketgi-adapter -run '^$$' -bench Start -benchtime 300x
	$(GO) test ./cmd/socketgi-adapter -run Memory -v | grep 'of 1 GiB'
	$(GO) test ./units/e2e -run '^$$' -bench ColdStart -benchtime 200x -timeout 30m
	$(GO) test ./scgi/scgihttp -run '^$$' -bench . -benchmem
	$(GO) test ./units/e2e -run '^$$' -bench Handler -benchtime 10x
	$(GO) test ./units/e2e -run '^$$' -bench CGI/rate -benchtime 10x
	$(GO) test ./units/e2e -run '^$$' -bench CGI/latency -benchtime 200x -timeout 30m

bench-hardening: images
	$(GO) test ./units/e2e -run '^$$' -bench Hardening -benchtime 100x -timeout 30m

# The tests whose names begin so are in make test, too, and do less there.
torture: images
	SOCKETGI_TORTURE=1 $(GO) test $(RACE) -count 1 -timeout 30m -run Torture ./...

# What is found is kept beside the tests, in testdata/fuzz, and tried by make test from
# then on.
FUZZ := ./scgi/FuzzReadRequest ./scgi/FuzzAppendRequest ./scgi/cgi/FuzzHead ./scgi/cgi/FuzzFind \
	./scgi/scgihttp/FuzzResponse ./cmd/socketgi/internal/nginxconf/FuzzParse ./cmd/socketgi/internal/plain/FuzzPlain ./units/inetd/FuzzImport \
	./units/internal/syntax/FuzzCommand ./cmd/internal/adapter/FuzzArguments ./cmd/socketgi/internal/unitfile/FuzzUnit

fuzz: $(addprefix fuzz-,$(notdir $(FUZZ)))

fuzz-%:
	$(GO) test $(patsubst %/,%,$(dir $(filter %/$*,$(FUZZ)))) -run '^$$' -fuzz '^$*$$' -fuzztime $(FUZZTIME)

clean:
	rm -rf $(OUT)
