package main

import (
	"fmt"
	"strconv"
	"strings"
)

// sections are the sections of PERFORMANCE.md: a benchmark of units/e2e, its title, and its subject.
var sections = []struct{ benchmark, title, text string }{
	{"ColdStart/hello", "A script, Accept=yes", `A process for each request. "peer" is a script that decodes SCGI from its standard input in Python
([by_hand.py](testdata/by_hand.py)), under the same unit. The adapter, a second process, costs time; cached code, a shorter
start of Python and an end without destroying all objects save more than that once an application imports a framework. systemd 255 and
later start each service by systemd-executor, which takes 6 ms of processor time.`},
	{"ColdStart/flask", "A page of Flask, Accept=yes", `The same with an application of Flask.`},
	{"CGI/latency", "A CGI program, Accept=yes", `"Hello world!" in C. "shim" is a program of 50 lines of C that only becomes the CGI program.`},
	{"Warm/rate/hello", "A warm script", `Accept=no with 2 workers, next to uWSGI on an SCGI socket and gunicorn with synchronous workers, 2 processes each. "fresh" is
socketgi with a process for each request. wrk has 16 connections or one, on the same processors.`},
	{"Warm/rate/flask", "Warm Flask", "The same with an application of Flask."},
	{"Warm/rate/django", "Warm Django", "The same with an application of Django."},
	{"Warm/fresh", "A fresh process for each request", "Flask, twenty requests a second, one at a time."},
	{"ASGI/rate/hello", "A warm ASGI application", `Accept=no with 2 workers, next to uvicorn and to gunicorn with uvicorn's worker, 2 processes each. "kept" is uvicorn with
connections that nginx keeps; SCGI has one request per connection. Debian 13 has uvloop for all of them, Debian 12 for none.`},
	{"ASGI/rate/json", "JSON by ASGI", "10 KB of JSON, made for each request."},
	{"ASGI/rate/fastapi", "Warm FastAPI", "The same with an application of FastAPI."},
	{"ASGI/rate/sleep", "Waiting by ASGI", "Each request waits for 50 ms; 100 connections."},
	{"ASGI/cold", "A page of FastAPI, Accept=yes", "A process for each request, next to uvicorn started for that request by the same unit, and asked directly, without nginx."},
	{"ASGI/fresh", "A fresh process for each request of FastAPI", "Twenty requests a second, one at a time."},
	{"CGI/rate", "A CGI program, Accept=no", `Next to fcgiwrap as Debian starts it, and with two processes ("fcgiwrap2").`},
	{"Handler", "A Go handler", `scgihttp behind scgi_pass, next to net/http/fcgi behind fastcgi_pass, and net/http behind proxy_pass, without and with keepalive
connections. SCGI has one request per connection.`},
}

const intro = `# Performance

This page and the table of the README are written by

    make bench

which needs root, as it boots images of Debian (about half an hour for both; ` + "`SOCKETGI_SUITE=trixie`" + ` measures one). Each program runs in
turn with its peers, and all figures are medians. Times and rates depend on what else the machine does; processor times, which the
kernel counts, and ratios repeat better.

`

const explained = `The columns: "page" is the time of a page through nginx; "socket" the time of a connection to the socket itself, until it is closed;
"cpu" the processor time of a request, without nginx's, which is "nginx", and for Accept=yes with systemd's share. "16:" is with 16 connections at
once, "1:" with one; "50%" and "99%" are percentiles of the time of a page. Memory is that of all processes together. The last
rows are ratios.

`

// page is PERFORMANCE.md.
func (m *measured) page() string {
	var b strings.Builder
	b.WriteString(intro)
	for line := range strings.Lines(m.about) {
		b.WriteString("- " + line)
	}
	b.WriteString("\n" + explained)
	for _, s := range sections {
		fmt.Fprintf(&b, "## %s\n\n%s\n\n", s.title, s.text)
		for _, suite := range m.suites() {
			if r := m.find(s.benchmark, suite); r != nil {
				fmt.Fprintf(&b, "%s, %d rounds:\n\n%s\n", r.System, r.Rounds, r.table())
			}
		}
		if s.benchmark == "Warm/rate/django" {
			for _, suite := range m.suites() {
				if m.picture(suite) != "" {
					fmt.Fprintf(&b, "![requests per second, %s](testdata/warm-%[1]s.svg)\n\n", suite)
				}
			}
		}
	}
	if m.plain != "" {
		b.WriteString("## Parts\n\nThe start of the adapter, next to an empty Go program and `true`; decoding a request, next to\n" +
			"`bytes.Split`; memory while 1 GiB is sent each way; and the packages for Go programs.\n\n```\n" + m.plain + "\n```\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// table has the medians, and the ratios of the first name to the others.
func (r *result) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| | %s |\n|%s\n", strings.Join(r.Columns, " | "), strings.Repeat(" --- |", len(r.Columns)+1))
	row := func(name string, value func(column string) float64) {
		fmt.Fprintf(&b, "| %s |", name)
		for _, c := range r.Columns {
			fmt.Fprintf(&b, " %s |", number(value(c)))
		}
		b.WriteString("\n")
	}
	for _, name := range r.Names {
		row(name, func(c string) float64 { return r.Medians[name][c] })
	}
	for _, name := range r.Names[1:] {
		row(r.Names[0]+" : "+name, func(c string) float64 { return r.ratio(name, c) })
	}
	return b.String()
}

// ratio is the ratio of two figures, 0 if one is missing.
func (r *result) ratio(name, column string) float64 {
	if other := r.Medians[name][column]; other > 0 {
		return r.Medians[r.Names[0]][column] / other
	}
	return 0
}

// number formats a figure for a table, "" for a missing one.
func number(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v > 0:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return ""
}

// compared are the rows of the README's table: a column of a benchmark, and the peer.
var compared = []struct{ what, benchmark, column, unit, peer, called string }{
	{"script, Accept=yes", "ColdStart/hello", "cpu, ms", " ms", "peer", "script without the adapter"},
	{"Flask, Accept=yes", "ColdStart/flask", "cpu, ms", " ms", "peer", "script without the adapter"},
	{"script, warm", "Warm/rate/hello", "16: cpu, µs", " µs", "uwsgi", "uWSGI"},
	{"Flask, warm", "Warm/rate/flask", "16: cpu, µs", " µs", "uwsgi", "uWSGI"},
	{"Flask, warm", "Warm/rate/flask", "16: cpu, µs", " µs", "gunicorn", "gunicorn"},
	{"FastAPI, warm", "ASGI/rate/fastapi", "16: cpu, µs", " µs", "uvicorn", "uvicorn"},
	{"CGI program in C, warm", "CGI/rate", "16: cpu, µs", " µs", "fcgiwrap", "fcgiwrap"},
	{"Go handler, warm", "Handler", "16: cpu, µs", " µs", "fcgi", "net/http/fcgi"},
}

// summary is the README's table, of the first suite that was measured.
func (m *measured) summary() string {
	var b strings.Builder
	suite := m.suites()[0]
	b.WriteString("| processor time of a request, " + m.results[0].System + " | socketgi | peer | ratio |\n| --- | --- | --- | --- |\n")
	for _, c := range compared {
		if r := m.find(c.benchmark, suite); r != nil {
			fmt.Fprintf(&b, "| %s | %s%s | %s: %s%[3]s | %.2[6]f |\n", c.what, number(r.Medians[r.Names[0]][c.column]), c.unit,
				c.called, number(r.Medians[c.peer][c.column]), r.ratio(c.peer, c.column))
		}
	}
	return b.String()
}
