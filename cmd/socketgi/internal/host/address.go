package host

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Address is the address of an application, as in package net.
func (h Host) Address(a *Application) (network, address string, err error) {
	// Of the specifiers (systemd.unit(5)) only the directory of sockets is needed here.
	listen := strings.NewReplacer("%%", "%", "%t", h.runtimeDir()).Replace(a.Socket.Get("Socket", "ListenStream"))
	if listen == "" {
		return "", "", fmt.Errorf("%s has no ListenStream=", a.Socket.Path)
	}
	network, address = ParseAddress(listen)
	return network, address, nil
}

// ParseAddress parses a value of ListenStream= (systemd.socket(5)).
func ParseAddress(listen string) (network, address string) {
	switch {
	case listen[0] == '@', strings.Contains(listen, "/"):
		return "unix", listen // @ is an abstract socket for package net, too
	case strings.Trim(listen, "0123456789") == "":
		return "tcp", "localhost:" + listen
	}
	return "tcp", listen
}

// runtimeDir is %t.
func (h Host) runtimeDir() string {
	if h.User {
		return os.Getenv("XDG_RUNTIME_DIR")
	}
	return "/run"
}

// RuntimeDir is the directory of files that exist until the next boot, or until the user logs out.
func (h Host) RuntimeDir() (string, error) {
	dir := h.runtimeDir()
	if dir == "" {
		return "", errors.New("XDG_RUNTIME_DIR is not set: log in as that user, or run machinectl shell USER@")
	}
	return dir, nil
}
