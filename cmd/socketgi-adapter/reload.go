package main

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// watcher sees when a file that the application was loaded from changes (inotify(7)).
type watcher struct {
	fd    int
	dirs  map[string]int32          // watch descriptors
	names map[int32]map[string]bool // the files of each folder
}

// settleTime is how long no file may have changed before the application is loaded again:
// an editor or a checkout changes several.
const settleTime = 100 * time.Millisecond

const changes = unix.IN_CLOSE_WRITE | unix.IN_MOVED_TO | unix.IN_CREATE | unix.IN_DELETE | unix.IN_ONLYDIR | unix.IN_MASK_ADD

// watchFiles begins to watch.
func (k *keeper) watchFiles() error {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return err
	}
	k.watcher = &watcher{fd: fd, dirs: map[string]int32{}, names: map[int32]map[string]bool{}}
	if k.cfg.app.File != "" {
		k.watch([]string{k.cfg.app.File})
	}
	return k.poll.add(fd, k.filesChanged)
}

// watch adds files. Folders are watched, because an editor puts a new file in the place of
// the old one.
func (k *keeper) watch(files []string) {
	w := k.watcher
	if w == nil {
		return
	}
	for _, file := range files {
		dir, name := filepath.Split(file)
		wd, known := w.dirs[dir]
		if !known {
			n, err := unix.InotifyAddWatch(w.fd, dir, changes)
			if err != nil {
				k.log.write(prioWarning, "--reload: changes in "+dir+" are not noticed: "+err.Error(), field{"MESSAGE_ID", msgProblem})
				n = -1 // once is enough
			}
			wd = int32(n)
			w.dirs[dir] = wd
			if w.names[wd] == nil {
				w.names[wd] = map[string]bool{}
			}
		}
		w.names[wd][name] = true
	}
}

// filesChanged reads what has changed. The application is loaded again when nothing has for a
// while (expire).
func (k *keeper) filesChanged() {
	w := k.watcher
	for {
		n, err := unix.Read(w.fd, k.buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return
		}
		for b := k.buf[:n]; len(b) >= unix.SizeofInotifyEvent; {
			wd := int32(binary.NativeEndian.Uint32(b))
			mask := binary.NativeEndian.Uint32(b[4:])
			end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(b[12:]))
			name, _, _ := bytes.Cut(b[unix.SizeofInotifyEvent:end], []byte{0})
			if w.names[wd][string(name)] || mask&unix.IN_Q_OVERFLOW != 0 {
				k.changed = k.now
			}
			b = b[end:]
		}
	}
}
