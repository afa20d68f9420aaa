package main

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/socketgi/socketgi/scgi/child"
	"github.com/socketgi/socketgi/scgi/wsgi"
)

// pool has the workers that stay: those that wait for a request, and the process that
// they are forked from.
type pool struct {
	cfg  *config
	wsgi *wsgi.Config
	log  *logger

	mu      sync.Mutex
	free    sync.Cond // a worker has become idle, or there is room for another
	parent  *wsgi.Parent
	version int // counts reloads
	idle    []*member
	all     int // workers that there are or are being started
	served  int
	trouble *child.Problem // why the last one could not be started
	again   time.Time      // when the next attempt is made
	pause   time.Duration
	closed  bool
	news    atomic.Bool // status has something new to say
}

// member is a worker of the pool.
type member struct {
	*wsgi.Warm
	version int
	jobs    int
}

// retireGrace is how long a worker may take for what it does at its end.
const retireGrace = 5 * time.Second

func newPool(cfg *config, w *wsgi.Config, log *logger) *pool {
	p := &pool{cfg: cfg, wsgi: w, log: log}
	p.free.L = &p.mu
	return p
}

// take returns an idle worker, or starts one. At most cfg.workers requests may ask at
// once.
func (p *pool) take() (*member, *child.Problem) {
	p.mu.Lock()
	for {
		if n := len(p.idle); n > 0 {
			m := p.idle[n-1] // the one whose memory was used last
			p.idle = p.idle[:n-1]
			if m.Alive() && m.version == p.version {
				p.mu.Unlock()
				p.news.Store(true)
				return m, nil
			}
			p.all--
			go p.dismiss(m)
			continue
		}
		if p.all < p.cfg.warm.workers {
			break
		}
		p.free.Wait()
	}
	if time.Now().Before(p.again) {
		defer p.mu.Unlock()
		return nil, &child.Problem{Kind: child.Busy, Text: "no worker is started before " + p.again.Format(time.TimeOnly) +
			", because the last one failed: " + p.trouble.Text}
	}
	p.all++
	p.mu.Unlock()
	return p.start()
}

// start starts a worker, which is counted already.
func (p *pool) start() (*member, *child.Problem) {
	m, problem := p.spawn()
	p.mu.Lock()
	defer p.mu.Unlock()
	if problem == nil {
		p.trouble, p.pause = nil, 0
		return m, nil
	}
	p.all--
	p.trouble = problem
	p.pause = min(max(2*p.pause, 500*time.Millisecond), 10*time.Second)
	p.again = time.Now().Add(p.pause)
	p.free.Signal()
	return nil, problem
}

// spawn makes a worker that can take a job.
func (p *pool) spawn() (*member, *child.Problem) {
	p.mu.Lock()
	version := p.version
	p.mu.Unlock()
	var m *member
	var problem *child.Problem
	if p.cfg.warm.preload {
		m, problem = p.fork()
	} else {
		m, problem = p.another(nil)
	}
	if problem == nil {
		m.version = version
	}
	return m, problem
}

// fork has a worker forked. Where the process that has the application was killed, or
// has just been replaced, there is another one.
func (p *pool) fork() (m *member, problem *child.Problem) {
	for range 3 {
		p.mu.Lock()
		parent := p.parent
		p.mu.Unlock()
		if parent == nil {
			if parent, problem = p.load(); problem != nil {
				return nil, problem
			}
			p.mu.Lock()
			if p.parent == nil {
				p.parent = parent
			} else { // another request was quicker
				go parent.End()
				parent = p.parent
			}
			p.mu.Unlock()
		}
		if m, problem = p.another(parent); problem == nil {
			return m, nil
		}
		p.mu.Lock()
		if p.parent == parent {
			p.parent = nil
			go parent.End()
		}
		p.mu.Unlock()
	}
	return nil, problem
}

// load starts a process that has the application.
func (p *pool) load() (*wsgi.Parent, *child.Problem) {
	parent, err := wsgi.StartParent(p.wsgi)
	if err != nil {
		return nil, &child.Problem{Kind: child.Failed, Text: err.Error()}
	}
	if problem := parent.Loaded(p.cfg.timeout); problem != nil {
		return nil, problem
	}
	for _, text := range parent.Warnings() {
		p.log.write(prioWarning, text, field{"MESSAGE_ID", msgProblem})
	}
	return parent, nil
}

// give takes a worker back after a request.
func (p *pool) give(m *member, fit bool) {
	m.jobs++
	p.mu.Lock()
	p.served++
	limit := p.cfg.warm.maxRequests
	if fit && !p.closed && m.version == p.version && (limit == 0 || m.jobs < limit) {
		p.idle = append(p.idle, m)
		p.free.Signal()
		p.mu.Unlock()
		p.news.Store(true)
		return
	}
	p.all--
	p.free.Signal()
	p.mu.Unlock()
	go p.dismiss(m)
	go p.fill()
	p.news.Store(true)
}

// dismiss ends a worker that gets no more jobs.
func (p *pool) dismiss(m *member) {
	m.Retire(retireGrace)
	m.Close()
}

// fill starts workers ahead of the requests for them, until all are there.
func (p *pool) fill() {
	for {
		p.mu.Lock()
		if p.closed || p.all >= p.cfg.warm.workers || time.Now().Before(p.again) {
			p.mu.Unlock()
			return
		}
		p.all++
		p.mu.Unlock()
		m, problem := p.start()
		if problem != nil {
			p.log.write(prioErr, problem.Text, field{"MESSAGE_ID", msgProblem})
			p.news.Store(true)
			return
		}
		p.mu.Lock()
		p.idle = append([]*member{m}, p.idle...)
		p.free.Signal()
		p.mu.Unlock()
		p.news.Store(true)
	}
}

// fillFirst starts the first worker.
func (p *pool) fillFirst() {
	p.mu.Lock()
	p.all++
	p.mu.Unlock()
	m, problem := p.start()
	if problem != nil {
		p.log.write(prioErr, problem.Text, field{"MESSAGE_ID", msgProblem})
		return
	}
	p.mu.Lock()
	p.idle = append(p.idle, m)
	p.mu.Unlock()
}

// reload loads the application again, beside the old one, which goes on where the new
// one doesn't work. All new workers are there before the old ones leave: what is on
// disk may be broken when the next one would be needed.
func (p *pool) reload() {
	var parent *wsgi.Parent
	var problem *child.Problem
	if p.cfg.warm.preload {
		parent, problem = p.load()
	}
	var fresh []*member
	for range p.cfg.warm.workers {
		var m *member
		if problem == nil {
			m, problem = p.another(parent)
		}
		if problem != nil {
			break
		}
		fresh = append(fresh, m)
	}
	if problem != nil {
		for _, m := range fresh {
			go p.dismiss(m)
		}
		if parent != nil {
			go parent.End()
		}
		p.log.write(prioErr, "the application is not reloaded, and goes on as it was: "+problem.Text, field{"MESSAGE_ID", msgProblem})
		return
	}
	p.mu.Lock()
	p.version++
	for _, m := range fresh {
		m.version = p.version
	}
	old, idle := p.parent, p.idle
	p.parent, p.idle = parent, fresh
	p.all += len(fresh) - len(idle)
	p.trouble, p.pause, p.again = nil, 0, time.Time{}
	p.free.Broadcast()
	p.mu.Unlock()
	for _, m := range idle {
		go p.dismiss(m)
	}
	if old != nil {
		old.End()
	}
	p.log.write(prioNotice, "the application is reloaded")
}

// another makes a worker: a fork of parent, or where that is nil one that loads the
// application by itself.
func (p *pool) another(parent *wsgi.Parent) (*member, *child.Problem) {
	var w *wsgi.Warm
	var err error
	if parent != nil {
		w, err = parent.Fork()
	} else {
		w, err = wsgi.StartWarm(p.wsgi)
	}
	if err != nil {
		return nil, &child.Problem{Kind: child.Failed, Text: err.Error()}
	}
	if problem := w.Ready(p.cfg.timeout); problem != nil {
		w.Close()
		return nil, problem
	}
	return &member{Warm: w}, nil
}

// close ends all workers that wait, and keeps those that come back from staying.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	idle, parent := p.idle, p.parent
	p.idle, p.parent = nil, nil
	p.mu.Unlock()
	var wg sync.WaitGroup
	for _, m := range idle {
		wg.Add(1)
		go func() {
			defer wg.Done()
			p.dismiss(m)
		}()
	}
	wg.Wait()
	if parent != nil {
		parent.End()
	}
}

// status says in a line how the pool is.
func (p *pool) status() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := strconv.Itoa(p.all-len(p.idle)) + " busy, " + strconv.Itoa(len(p.idle)) + " idle, " + strconv.Itoa(p.served) + " served"
	if p.trouble != nil {
		text := p.trouble.Text
		for i := len(text) - 1; i >= 0; i-- { // the last line of a traceback says it
			if text[i] == '\n' {
				text = text[i+1:]
				break
			}
		}
		s += "; the last worker could not be started: " + text
	}
	return s
}
