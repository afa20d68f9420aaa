package pool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/socketgi/socketgi/scgi/gateway"
	"github.com/socketgi/socketgi/scgi/wsgi/internal/worker"
	"golang.org/x/sys/unix"
)

// watcher notices changes of the files that the application was loaded from (inotify(7)), and of the
// symbolic links and folders in their paths.
type watcher struct {
	fd      int
	files   map[string]bool
	folders map[int32]*folder // watched folders, by watch descriptor
	walked  map[string]string // paths of folders, and their real paths
	failed  bool              // the last load failed: a file may be missing
	new     map[string]bool   // folders created after that
	warned  map[string]bool
}

// folder is a watched folder.
type folder struct {
	path  string
	names map[string]bool // names to watch; true: a link or folder in the path of a file
	// modules: Python searches this folder for modules of the application. False: it is only in
	// the path of one.
	modules bool
}

// mostWatched is the limit of files: workers report them, and an application can report anything.
const mostWatched = 1 << 17

// settleTime is the time without changes before the application is reloaded, because an editor or a
// checkout changes several files.
const settleTime = 100 * time.Millisecond

const changes = unix.IN_CLOSE_WRITE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_CREATE | unix.IN_DELETE | unix.IN_ONLYDIR | unix.IN_MASK_ADD

// watchFiles starts the watcher.
func (k *keeper) watchFiles() error {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return err
	}
	k.watcher = &watcher{fd: fd, files: map[string]bool{}, warned: map[string]bool{}, new: map[string]bool{}}
	if k.cfg.App.File != "" {
		k.watcher.files[k.cfg.App.File] = true
	}
	k.walk()
	k.whenever(k.filesChanged, fd)
	return nil
}

// loaded updates the watcher after an attempt to load the application.
func (k *keeper) loaded(rep worker.Report) {
	w := k.watcher
	if w == nil {
		return
	}
	if w.failed = rep.Problem != nil; !w.failed {
		clear(w.new)
	}
	for _, file := range rep.Files {
		w.files[file.Path] = true
	}
	k.walk()
	k.compare(rep.Files)
}

// imported adds files that a worker has imported after the load.
func (k *keeper) imported(files []worker.File) {
	w := k.watcher
	if w == nil {
		return
	}
	for _, file := range files {
		if !w.files[file.Path] && len(w.files) < mostWatched {
			w.files[file.Path] = true
			k.locate(file.Path, 0)
		}
	}
}

// compare schedules a reload if a file has changed since it was read.
func (k *keeper) compare(files []worker.File) {
	if k.watcher == nil {
		return
	}
	for _, file := range files {
		if worker.StateOf(file.Path) != file.State {
			k.changed = k.now
		}
	}
}

// walk locates all files again, and drops the watches that are no longer needed.
func (k *keeper) walk() {
	w := k.watcher
	before := w.folders
	w.folders, w.walked = map[int32]*folder{}, map[string]string{}
	for file := range w.files {
		k.locate(file, 0)
	}
	for _, dir := range []string{k.dir, k.cfg.App.Folder} {
		if dir = k.locate(dir, 0); dir != "" {
			k.look(dir).modules = true
		}
	}
	for dir := range w.new {
		k.look(dir).modules = true
	}
	for wd := range before {
		if w.folders[wd] == nil {
			_, _ = unix.InotifyRmWatch(w.fd, uint32(wd))
		}
	}
}

// mostLinks is the number of links that the kernel follows in one path (path_resolution(7)).
const mostLinks = 40

// locate watches every component of a path, and returns the real path; "" if it doesn't exist. It
// watches the folders, because an editor replaces files, and does so before it reads them, so that no
// change is missed.
func (k *keeper) locate(path string, links int) (real string) {
	w := k.watcher
	switch real, known := w.walked[path]; {
	case path == "/":
		return path
	case known:
		return real
	case !filepath.IsAbs(path) || links > mostLinks:
		return ""
	}
	if !w.files[path] {
		defer func() { w.walked[path] = real }()
	}
	dir := k.locate(filepath.Dir(path), links)
	if dir == "" {
		return ""
	}
	name := filepath.Base(path)
	seen := k.look(dir)
	real = filepath.Join(dir, name)
	info, err := os.Lstat(real)
	isFile := err == nil && info.Mode().IsRegular()
	seen.names[name] = seen.names[name] || !isFile
	seen.modules = seen.modules || isFile || w.files[path]
	switch {
	case err != nil:
		return ""
	case info.Mode()&os.ModeSymlink == 0:
		return real
	}
	target, err := os.Readlink(real)
	if err != nil {
		return ""
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(dir, target)
	}
	return k.locate(target, links+1)
}

// look watches a folder. If that fails, it warns once and returns an empty folder.
func (k *keeper) look(dir string) *folder {
	w := k.watcher
	wd, err := unix.InotifyAddWatch(w.fd, dir, changes)
	if err != nil {
		if !w.warned[dir] && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR) {
			w.warned[dir] = true
			k.problem(gateway.Warning, "changes in "+dir+" are not watched: "+err.Error())
		}
		return &folder{names: map[string]bool{}}
	}
	if w.folders[int32(wd)] == nil {
		w.folders[int32(wd)] = &folder{path: dir, names: map[string]bool{}}
	}
	return w.folders[int32(wd)]
}

// enter watches a new folder and its subfolders.
func (k *keeper) enter(dir string) {
	k.watcher.new[dir] = true
	k.look(dir).modules = true
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.IsDir() && e.Name() != "__pycache__" {
			k.enter(filepath.Join(dir, e.Name()))
		}
	}
}

// filesChanged reads the events of inotify, and schedules a reload for a change (reloadChanged). It
// returns true: there can be more.
func (k *keeper) filesChanged() bool {
	w := k.watcher
	moved := false
	for {
		n, err := unix.Read(w.fd, k.buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			break
		}
		for b := k.buf[:n]; len(b) >= unix.SizeofInotifyEvent; {
			wd := int32(binary.NativeEndian.Uint32(b))
			mask := binary.NativeEndian.Uint32(b[4:])
			end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(b[12:]))
			name, _, _ := bytes.Cut(b[unix.SizeofInotifyEvent:end], []byte{0})
			moved = k.fileChanged(wd, mask, string(name)) || moved
			b = b[end:]
		}
	}
	if moved {
		k.walk()
	}
	return true
}

// fileChanged handles one event, and returns whether a link or folder in the path of a file has
// changed.
func (k *keeper) fileChanged(wd int32, mask uint32, name string) (moved bool) {
	w := k.watcher
	f, watched := w.folders[wd]
	if !watched {
		f = &folder{}
	}
	isWay, isOurs := f.names[name]
	isDir := mask&unix.IN_ISDIR != 0
	// After a failed load, a new file may be the missing one: its name isn't known.
	isNew := w.failed && f.modules && (strings.HasSuffix(name, ".py") || isDir && name != "__pycache__")
	if isNew && isDir {
		k.enter(filepath.Join(f.path, name))
	}
	if isOurs || isNew || mask&unix.IN_Q_OVERFLOW != 0 {
		k.changed = k.now
	}
	return isWay || watched && mask&unix.IN_IGNORED != 0
}
