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
	"github.com/socketgi/socketgi/scgi/internal/child"
	"github.com/socketgi/socketgi/scgi/wsgi/internal/worker"
	"golang.org/x/sys/unix"
)

// workingDir is the name of the working directory, "" if it isn't known: the application's
// folder, if it is that, because a link on the way there may lead elsewhere later.
func workingDir(app App) string {
	here, err := os.Stat(".")
	if err != nil {
		return ""
	}
	for _, dir := range []string{filepath.Dir(app.File), app.Folder} {
		if info, err := os.Stat(dir); app.File != "" && dir != "" && err == nil && os.SameFile(info, here) {
			return dir
		}
	}
	dir, _ := os.Getwd() // what PWD says, if it is right
	return dir
}

// prepare finds anew what the application's next process starts from, or says why that
// can't be.
func (k *keeper) prepare() (*worker.Config, *child.Problem) {
	cfg := *k.config
	if k.dir != "" {
		if err := os.Chdir(k.dir); err != nil {
			return nil, &child.Problem{Kind: child.Failed, Text: "the working directory " + k.dir + " can't be entered: " + errors.Unwrap(err).Error()}
		}
	}
	if k.cfg.FindPython != nil {
		var err error
		if cfg.Python, err = k.cfg.FindPython(); err != nil {
			return nil, &child.Problem{Kind: child.Failed, Text: err.Error()}
		}
	}
	return &cfg, nil
}

// watcher sees when a file that the application was loaded from changes (inotify(7)): when
// something else gets its name, or that of a link or folder on the way to it.
type watcher struct {
	fd     int
	files  map[string]bool
	names  map[int32]map[string]bool // in each watched folder; true: on the way to a file
	walked map[string]string         // folders, and where they are
	failed bool                      // the last load, maybe for want of a file
	new    map[string]bool           // folders that came after that
	dirs   map[int32]string
	warned map[string]bool
}

// mostWatched is how many files are watched. The application says which, and may say anything.
const mostWatched = 1 << 17

// settleTime is how long no file may have changed before the application is loaded again:
// an editor or a checkout changes several.
const settleTime = 100 * time.Millisecond

const changes = unix.IN_CLOSE_WRITE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_CREATE | unix.IN_DELETE | unix.IN_ONLYDIR | unix.IN_MASK_ADD

// watchFiles begins to watch.
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
	return k.poll.add(fd, k.filesChanged)
}

// loaded takes in what became of an attempt to load the application.
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

// imported takes in what a worker has imported later.
func (k *keeper) imported(files []worker.File, newest bool) {
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
	if newest {
		k.compare(files)
	}
}

// compare has the application loaded again when a file has changed since it was read.
func (k *keeper) compare(files []worker.File) {
	for _, file := range files {
		if worker.StateOf(file.Path) != file.State {
			k.changed = k.now
		}
	}
}

// walk finds all files anew.
func (k *keeper) walk() {
	w := k.watcher
	before := w.names
	w.names, w.walked, w.dirs = map[int32]map[string]bool{}, map[string]string{}, map[int32]string{}
	for file := range w.files {
		k.locate(file, 0)
	}
	if dir := k.locate(k.dir, 0); dir != "" {
		k.look(dir)
	}
	for dir := range w.new {
		k.look(dir)
	}
	for wd := range before {
		if w.names[wd] == nil {
			_, _ = unix.InotifyRmWatch(w.fd, uint32(wd))
		}
	}
}

// mostLinks is how many links the kernel follows on the way to a file (path_resolution(7)).
const mostLinks = 40

// locate watches every name on the way to a path, and returns where that leads; "" if
// nowhere. Folders are watched, because an editor puts a new file in the place of the old
// one; and before it is looked what is in them, so that nothing happens in between.
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
	names := k.look(dir)
	real = filepath.Join(dir, name)
	info, err := os.Lstat(real)
	isWay := err != nil || !info.Mode().IsRegular()
	if names != nil {
		names[name] = names[name] || isWay
	}
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

// look watches a folder, and returns what is to be seen there.
func (k *keeper) look(dir string) map[string]bool {
	w := k.watcher
	wd, err := unix.InotifyAddWatch(w.fd, dir, changes)
	if err != nil {
		if !w.warned[dir] && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR) {
			w.warned[dir] = true // once is enough
			k.problem(gateway.Warning, "--reload: changes in "+dir+" are not noticed: "+err.Error())
		}
		return nil
	}
	if w.names[int32(wd)] == nil {
		w.names[int32(wd)], w.dirs[int32(wd)] = map[string]bool{}, dir
	}
	return w.names[int32(wd)]
}

// enter watches a folder that is new, with all that are in it.
func (k *keeper) enter(dir string) {
	k.watcher.new[dir] = true
	k.look(dir)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.IsDir() && e.Name() != "__pycache__" {
			k.enter(filepath.Join(dir, e.Name()))
		}
	}
}

// filesChanged reads what has changed. The application is loaded again when nothing has for a
// while (expire).
func (k *keeper) filesChanged() {
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
			text, _, _ := bytes.Cut(b[unix.SizeofInotifyEvent:end], []byte{0})
			name := string(text)
			isWay, isOurs := w.names[wd][name]
			// What was not there when the application could not be loaded has a name that nobody
			// has told.
			isNew := w.failed && w.names[wd] != nil && (strings.HasSuffix(name, ".py") || mask&unix.IN_ISDIR != 0 && name != "__pycache__")
			if isNew && mask&unix.IN_ISDIR != 0 {
				k.enter(filepath.Join(w.dirs[wd], name))
			}
			if isOurs || isNew || mask&unix.IN_Q_OVERFLOW != 0 {
				k.changed = k.now
			}
			moved = moved || isWay || mask&(unix.IN_Q_OVERFLOW|unix.IN_IGNORED) != 0 && w.names[wd] != nil
			b = b[end:]
		}
	}
	if moved {
		k.walk()
	}
}
