package install

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
)

// wants is the path of the link that enables a socket of the system in root (systemd.unit(5), WantedBy=).
func wants(root, socket string) (string, error) {
	return rootfs.InsideDir(root, "/etc/systemd/system/sockets.target.wants/"+socket)
}

// enableOffline enables a socket of a system that doesn't run, as systemctl --root does.
func enableOffline(root, socket string) (undo func() error, err error) {
	link, err := wants(root, socket)
	if err != nil {
		return func() error { return nil }, err
	}
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
		undo = func() error { return disableOffline(root, socket) }
	}
	return undo, err
}

// disableOffline reverts enableOffline.
func disableOffline(root, socket string) error {
	link, err := wants(root, socket)
	if err != nil {
		return err
	}
	err = os.Remove(link)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_ = os.Remove(filepath.Dir(link)) // unless there are other links
	return err
}
