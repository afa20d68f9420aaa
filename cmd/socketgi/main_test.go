package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/account"
)

// adapterDir is where the adapter that the tests use is.
var adapterDir string

func TestMain(m *testing.M) {
	testscript.Main(tests{m}, map[string]func(){"socketgi": main, "with-application": withApplication})
}

// tests builds the adapter before the tests run.
type tests struct{ m *testing.M }

func (t tests) Run() int {
	dir, err := os.MkdirTemp("", "socketgi-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	adapterDir = dir
	cmd := exec.Command("go", "build", "-o", filepath.Join(dir, adapter.Program), "../socketgi-adapter")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the adapter: %v\n%s", err, out)
		return 1
	}
	return t.m.Run()
}

// TestScripts runs the sessions of testdata.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", e.Getenv("PATH")+string(filepath.ListSeparator)+adapterDir)
			// The user that the web server is taken for.
			if web, ok := account.FindUser("", "www-data"); ok {
				e.Setenv("WEB", strconv.Itoa(web.UID))
			}
			out, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
			e.Setenv("PYTHON", strings.TrimSpace(string(out)))
			return err
		},
	})
}
