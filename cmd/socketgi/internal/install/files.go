package install

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// file is a file to write or remove.
type file struct {
	path, text string
	gone       bool // remove it
}

// replace writes files, each completely or not at all. Undo restores the previous files; keep removes the copies
// for undo.
func replace(files []file) (undo, keep func() error, err error) {
	var back undoFiles
	defer func() {
		if err != nil {
			err = errors.Join(err, back.undo())
		}
	}()
	staged := make([]string, len(files))
	defer func() {
		for _, path := range staged {
			if path != "" {
				_ = os.Remove(path) // staged files that were not renamed
			}
		}
	}()
	for i, f := range files {
		if f.gone {
			continue
		}
		if staged[i], err = stage(f); err != nil {
			return nil, nil, err
		}
	}
	for i, f := range files {
		if err = back.save(f.path); err != nil {
			return nil, nil, err
		}
		if f.gone {
			err = os.Remove(f.path)
		} else if err = os.Rename(staged[i], f.path); err == nil {
			staged[i] = ""
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return back.undo, back.keep, syncDir(filepath.Dir(files[0].path))
}

// stage writes a file under a name that systemd ignores, in the same directory.
func stage(f file) (path string, err error) {
	t, err := os.CreateTemp(filepath.Dir(f.path), "."+filepath.Base(f.path)+".new-")
	if err != nil {
		return "", err
	}
	_, err = t.WriteString(f.text)
	err = errors.Join(err, t.Chmod(0o644), t.Sync(), t.Close())
	if err != nil {
		_ = os.Remove(t.Name())
		return "", err
	}
	return t.Name(), nil
}

// undoFiles are the files to restore, with the names of their copies, "" for files that did not exist.
type undoFiles []struct{ path, kept string }

// save keeps a file under another name, as a hard link.
func (u *undoFiles) save(path string) error {
	kept := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".old")
	_ = os.Remove(kept) // of an interrupted command
	err := os.Link(path, kept)
	if errors.Is(err, fs.ErrNotExist) {
		kept, err = "", nil
	}
	if err == nil {
		*u = append(*u, struct{ path, kept string }{path, kept})
	}
	return err
}

func (u *undoFiles) undo() error {
	var all []error
	for _, f := range *u {
		if f.kept == "" {
			if err := os.Remove(f.path); !errors.Is(err, fs.ErrNotExist) {
				all = append(all, err)
			}
			continue
		}
		// Not rename(2), which does nothing for two hard links of one file.
		_ = os.Remove(f.path)
		all = append(all, os.Rename(f.kept, f.path))
	}
	*u = nil
	return errors.Join(all...)
}

func (u *undoFiles) keep() error {
	var all []error
	for _, f := range *u {
		if f.kept != "" {
			all = append(all, os.Remove(f.kept))
		}
	}
	*u = nil
	return errors.Join(all...)
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// makeDirs creates a directory and its parents, and returns the created ones, the outermost first.
func makeDirs(path string) (made []string, err error) {
	for p := path; ; p = filepath.Dir(p) {
		if _, err := os.Stat(p); err == nil || p == filepath.Dir(p) {
			break
		}
		made = append([]string{p}, made...)
	}
	return made, os.MkdirAll(path, 0o755)
}

// removeEmpty removes empty directories, the last first.
func removeEmpty(dirs []string) {
	for i := len(dirs) - 1; i >= 0; i-- {
		_ = os.Remove(dirs[i])
	}
}
