package main

import (
	"github.com/socketgi/socketgi/cmd/socketgi-adapter/internal/journal"
	"github.com/socketgi/socketgi/scgi/cgi"
	"github.com/socketgi/socketgi/scgi/gateway"
	"github.com/socketgi/socketgi/scgi/outcome"
)

// cgiApplication runs a CGI program for each request.
type cgiApplication struct {
	cfg *cgi.Config
	log *journal.Log
}

func (a cgiApplication) Start(r *gateway.Request) (gateway.Process, *outcome.Problem) {
	p, problem := a.cfg.Start(r.Params, r.Body)
	if problem != nil {
		return nil, problem
	}
	p.Log = a.log.Output(r.Subject)
	return p, nil
}
