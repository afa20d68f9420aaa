package main

import (
	"sync"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/child"
)

// warmConfig is what the command line says of workers that stay.
type warmConfig struct {
	workers     int   // how many
	maxRequests int   // after how many a worker is replaced, 0: never
	maxMemory   int64 // with how many bytes resident it is, 0: any
	preload     bool  // they are forked from a process that has the application
}

// warmApplication answers by the workers of a pool.
type warmApplication struct{ *pool }

func (a warmApplication) start(r *request, params []scgi.Header, body scgi.Body) (worker, *child.Problem) {
	m, problem := a.take()
	if problem != nil {
		return nil, problem
	}
	return &lease{pool: a.pool, member: m, params: params, body: body, timeout: r.cfg.timeout}, nil
}

// lease is a worker for the time of one request.
type lease struct {
	pool    *pool
	mu      sync.Mutex // member changes while another goroutine may signal it
	member  *member    // nil: none is left to be given back
	params  []scgi.Header
	body    scgi.Body
	timeout time.Duration
	res     child.Result
}

func (l *lease) serve(conn int) child.Result {
	l.res = l.member.Serve(l.params, l.body, conn, l.timeout)
	for range 3 {
		if !l.res.Untaken || l.res.Problem == nil || l.res.Problem.Kind != child.Died {
			break
		}
		// It was killed while it waited, by somebody or something: that is not this
		// request's fault.
		l.pool.give(l.member, false)
		m, problem := l.pool.take()
		l.mu.Lock()
		l.member = m
		l.mu.Unlock()
		if problem != nil {
			l.res = child.Result{Problem: problem}
			break
		}
		l.res = m.Serve(l.params, l.body, conn, l.timeout)
	}
	return l.res
}

// wait gives the worker back.
func (l *lease) wait() child.Usage {
	if l.member == nil {
		return child.Usage{}
	}
	fit := l.res.Problem == nil || l.res.Problem.Kind == child.Failed
	if most := l.pool.cfg.warm.maxMemory; most > 0 && l.res.Resident > most {
		fit = false
	}
	l.pool.give(l.member, fit)
	return child.UsageOf(0, l.res.CPU, l.res.Resident)
}

// Signal ends what the worker is doing, when the unit is stopped.
func (l *lease) Signal(sig syscall.Signal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.member != nil {
		l.member.Signal(sig)
	}
}

// Close does nothing: the worker goes on.
func (l *lease) Close() {}
