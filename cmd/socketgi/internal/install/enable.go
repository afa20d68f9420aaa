package install

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// wants is where a link has a socket listen at every boot (systemd.unit(5), WantedBy=).
func wants(dir, socket string) string { return filepath.Join(dir, "sockets.target.wants", socket) }

// enableOffline enables a socket of a system that doesn't run, as systemctl --root does.
func enableOffline(dir, socket string) (undo func() error, err error) {
	link := wants(dir, socket)
	made, err := makeDirs(filepath.Dir(link))
	undo = func() error { removeEmpty(made); return nil }
	if err != nil {
		return undo, err
	}
	err = os.Symlink("/etc/systemd/system/"+socket, link)
	switch {
	case errors.Is(err, fs.ErrExist):
		return undo, nil
	case err == nil:
		undo = func() error { return disableOffline(dir, socket) }
	}
	return undo, err
}

// disableOffline takes it back.
func disableOffline(dir, socket string) error {
	link := wants(dir, socket)
	err := os.Remove(link)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_ = os.Remove(filepath.Dir(link)) // if nobody else is wanted
	return err
}
