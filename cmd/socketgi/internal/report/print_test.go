package report

import (
	"strings"
	"testing"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/stretchr/testify/assert"
)

func TestPrintList(t *testing.T) {
	list := []Listing{
		{Name: "hello", State: "listening", Enabled: "enabled", Accept: true, Interface: "WSGI", Listen: "/run/socketgi/hello.sock", Application: "/srv/hello.py", DropIns: []string{"x"}},
		{Name: "b\x1b"},
	}
	var b strings.Builder
	PrintList(&b, list)
	assert.Equal(t, `NAME  STATE     ENABLED ACCEPT INTERFACE DROP-INS LISTEN                   APPLICATION
hello listening enabled yes    WSGI      1        /run/socketgi/hello.sock /srv/hello.py
b\x1b -         -       no     -         -        -                        -

2 applications listed.
`, b.String())
	b.Reset()
	PrintRows(&b, list[:1])
	assert.Equal(t, "hello listening enabled yes WSGI 1 /run/socketgi/hello.sock /srv/hello.py\n", b.String())
}

func TestPrint(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	since, memory := now.Add(-90*time.Second), int64(3<<20)
	s := &Status{
		Listing: Listing{Name: "app", Application: "/srv/app.py", State: "listening", Enabled: "enabled", Accept: true, Interface: "ASGI", Listen: "/run/socketgi/app.sock", DropIns: []string{"/etc/a.conf", "/etc/b.conf"}, Stale: true},
		Active:  "active", Sub: "listening", Since: &since, Allowed: []string{"54399"}, Python: "/usr/bin/python3",
		Connections: connections{Accepted: 7, Now: 1, Refused: 2},
		Limits:      limits{MaxConnections: 1024, Timeout: "60s", QueueTimeout: "30s"},
		Slots:       &host.Slots{Total: 2, InUse: 2, Waiting: 3},
		Services:    []serviceState{{Name: "app@1.service", Active: "active", Sub: "running", Since: &since, PID: 42, MemoryBytes: &memory}},
		Requests:    []request{{Time: since, Method: "GET", Path: "/x", Status: 200, MS: 1.25, Bytes: 2048}},
		LastError:   &lastError{Time: since, ID: "abc", Message: "Traceback\nValueError: no\n"},
		Notes:       []string{"the journal is long"},
		host:        host.Host{User: true}, state: &host.State{},
		app: &host.Application{Socket: &host.Unit{Path: "/etc/app.socket"}, Service: &host.Unit{Name: "app@.service", Path: "/etc/app@.service"}},
	}
	var b strings.Builder
	s.Print(&b, false, now)
	assert.Equal(t, `● app.socket - /srv/app.py
     Loaded: /etc/app.socket; enabled
             /etc/app@.service
   Drop-Ins: /etc/a.conf
             /etc/b.conf
             changed since systemd loaded it: systemctl --user daemon-reload
     Active: active (listening) since Wed 2026-11-25 11:58:30 UTC; 1 min 30 s ago
     Listen: /run/socketgi/app.sock
    Allowed: root, 54399
     Accept: yes: a process for each request
     Python: /usr/bin/python3
  Interface: ASGI
Connections: 7 accepted, 1 now, 2 refused
     Limits: 1024 connections, no limit of starts, 1min per request, 30s in the queue
      Slots: 2 of 2 in use, 3 waiting
    Running: app@1.service active (running) for 1 min 30 s, PID 42, 3.0M

Last requests:
  Nov 25 11:58:30 200 1.2 ms 2.0K GET /x

Last error: Nov 25 11:58:30, 1 min 30 s ago
  ValueError: no
  details: socketgi logs app --id abc --user-manager

note: the journal is long
`, b.String())
}
