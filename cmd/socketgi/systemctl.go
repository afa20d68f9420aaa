package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/hint"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/spf13/cobra"
)

// verbs are commands of systemctl, with the units of an application that each is for.
var verbs = map[string]func(socket, service string, warm bool) string{
	"start": ofSocket, "enable": ofSocket, "disable": ofSocket, "mask": ofSocket, "unmask": ofSocket,
	"show": ofSocket, "is-active": ofSocket, "is-enabled": ofSocket, "is-failed": ofSocket, "reset-failed": ofSocket,
	"restart": ofProcess, "try-restart": ofProcess, "reload": ofProcess,
	"edit": ofService, "revert": ofService,
	"cat":           func(socket, service string, _ bool) string { return socket + " " + service },
	"daemon-reload": func(string, string, bool) string { return "" },
	"stop": func(socket, service string, warm bool) string {
		if warm {
			return socket + " " + service
		}
		return socket
	},
}

func ofSocket(socket, _ string, _ bool) string   { return socket }
func ofService(_, service string, _ bool) string { return service }

// ofProcess is the unit of the process between requests: only a warm application has one.
func ofProcess(socket, service string, warm bool) string {
	if warm {
		return service
	}
	return socket
}

// systemctlVerbs are hidden commands that name the command line of systemctl to use.
func systemctlVerbs() (all []*cobra.Command) {
	for verb, units := range verbs {
		var h host.Host
		cmd := &cobra.Command{
			Use: verb + " NAME", Hidden: true, FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true},
			RunE: func(_ *cobra.Command, args []string) error {
				name, service, warm := "NAME", "NAME@.service", false
				if len(args) > 0 {
					name = strings.TrimSuffix(args[0], ".socket")
					app, err := h.Load(name)
					if err != nil {
						return err
					}
					service, warm = app.Service.Name, app.Warm
				}
				if verb == "reload" && len(args) > 0 && !warm {
					return errors.New(service + " starts for each request: there is nothing to reload")
				}
				line := strings.TrimRight(verb+" "+units(name+".socket", service, warm), " ")
				return fmt.Errorf("%s is a command of systemctl: %s %s", verb, hint.Systemctl(h), line)
			},
		}
		defineHost(cmd, &h)
		all = append(all, cmd)
	}
	return all
}
