package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// asOwner has root run somebody else's Python as them: an interpreter runs what lies in
// its site-packages, and a virtual environment may belong to the application's user.
func asOwner(cmd *exec.Cmd, python string) {
	if os.Geteuid() != 0 {
		return
	}
	paths := []string{filepath.Dir(python), filepath.Join(filepath.Dir(filepath.Dir(python)), "pyvenv.cfg")}
	for range 40 { // as many links as the kernel follows (path_resolution(7))
		paths = append(paths, python)
		target, err := os.Readlink(python)
		if err != nil {
			break
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(python), target)
		}
		python = target
	}
	libs, _ := filepath.Glob(filepath.Join(filepath.Dir(paths[0]), "lib*", "*", "site-packages"))
	for _, path := range append(paths, libs...) {
		info, err := os.Lstat(path)
		if err != nil {
			continue
		}
		if st := info.Sys().(*syscall.Stat_t); st.Uid != 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: st.Uid, Gid: st.Gid}}
			return
		}
	}
}
