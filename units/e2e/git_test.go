package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const gitBackend = "/usr/lib/git-core/git-http-backend"

// git runs git on the machine, as a user with a home directory.
func (s *site) git(arg ...string) (string, error) {
	cmd := s.Command("git", append([]string{"-c", "protocol.version=2"}, arg...)...)
	cmd.Env = append(cmd.Env, "HOME=/root", "GIT_TERMINAL_PROMPT=0", "GIT_TRACE_CURL=1",
		"GIT_TRACE_CURL_NO_DATA=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@localhost", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@localhost")
	var out, trace bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &trace
	err := cmd.Run()
	if err != nil {
		return out.String() + trace.String(), fmt.Errorf("git %q: %w\n%s%s", arg, err, out.String(), trace.String())
	}
	return out.String() + trace.String(), nil
}

func (s *site) mustGit(arg ...string) string {
	s.t.Helper()
	out, err := s.git(arg...)
	require.NoError(s.t, err)
	return out
}

// revision returns the commit and the tree of a reference of a repository.
func (s *site) revision(dir, ref string) string {
	s.t.Helper()
	return s.Run("git", "-c", "safe.directory=*", "-C", dir, "rev-parse", ref, ref+"^{tree}")
}

// branches creates a hundred branches with one commit each. A client lists the newest ones first.
func (s *site) branches(dir, name string, seconds int) {
	s.t.Helper()
	var stream strings.Builder
	for i := range 100 {
		fmt.Fprintf(&stream, "commit refs/heads/%s%d\ncommitter A <a@localhost> %d +0000\ndata <<.\n%[1]s\n.\nfrom refs/heads/main\n"+
			"M 644 inline file\ndata <<.\n%[2]d\n.\n\n", name, i, seconds+i)
	}
	s.Write("/srv/stream", stream.String())
	s.Run("sh", "-c", "git -C "+dir+" fast-import --quiet </srv/stream")
}

// serveGit sets up git http-backend, with its settings at an administrator's usual place, and an empty
// repository.
func (s *site) serveGit(mode string) program {
	s.t.Helper()
	p := program{name: "git-" + mode, accept: mode, flags: []string{"--user", "www-data"}, run: []string{"--cgi", "--", gitBackend}}
	s.serveCGI(p)
	s.dropIn(p, "[Service]\nEnvironment=GIT_PROJECT_ROOT=/srv/git-"+mode+" GIT_HTTP_EXPORT_ALL=1\n")
	dir := "/srv/git-" + mode + "/project.git"
	s.Run("git", "init", "--quiet", "--bare", "-b", "main", dir)
	s.Run("git", "-C", dir, "config", "http.receivepack", "true")
	s.Run("chown", "-R", "www-data:", "/srv/git-"+mode)
	return p
}

// TestGit pushes, clones and fetches through Debian's git http-backend, with a client on the machine.
func TestGit(t *testing.T) {
	s := newSite(t)
	data := make([]byte, 20<<20) // incompressible
	_, _ = rand.Read(data)
	s.Run("git", "init", "--quiet", "-b", "main", "/srv/work")
	require.NoError(t, os.WriteFile(s.Path("/srv/work/large"), data, 0o644))
	s.Run("git", "-C", "/srv/work", "config", "core.compression", "0") // compression would take most of the time
	s.mustGit("-C", "/srv/work", "add", "large")
	s.mustGit("-C", "/srv/work", "commit", "-q", "-m", "large")
	s.branches("/srv/work", "theirs", 1_000_000_000) // so that a client lists many of its own

	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			p := s.serveGit(mode)
			url, bare := "http://127.0.0.1:"+webPort+"/git-"+mode+"/project.git", "/srv/git-"+mode+"/project.git"
			dir := "/srv/clones-" + mode + "/"

			trace := s.mustGit("-C", "/srv/work", "push", "-q", url, "--all")
			assert.Contains(t, trace, "Transfer-Encoding: chunked", "what is over http.postBuffer has no length")
			want := s.revision("/srv/work", "main")
			assert.Equal(t, want, s.revision(bare, "main"))
			s.Run("git", "-c", "safe.directory=*", "-C", bare, "fsck", "--full", "--strict")

			var wg sync.WaitGroup
			for i := range 4 {
				wg.Add(1)
				go func() {
					defer wg.Done()
					trace, err := s.git("clone", "-q", "-n", url, dir+fmt.Sprint(i))
					assert.NoError(t, err)
					_, err = s.git("-C", dir+fmt.Sprint(i), "fsck", "--full", "--strict")
					assert.NoError(t, err)
					assert.Contains(t, trace, "Content-Encoding: gzip", "the list of what it wants is long")
				}()
			}
			wg.Wait()
			require.False(t, t.Failed())
			s.mustGit("clone", "-q", "-n", "--depth", "1", url, dir+"shallow")
			s.Run("git", "-C", dir+"shallow", "fsck", "--full", "--strict")
			for _, name := range []string{"0", "1", "2", "3", "shallow"} {
				assert.Equal(t, want, s.revision(dir+name, "HEAD"), name)
			}
			assert.Equal(t, "1\n", s.Run("git", "-C", dir+"shallow", "rev-list", "--count", "HEAD"))
			refs := "git -c safe.directory='*' -C %s for-each-ref --format='%%(objectname)' %s | sort -u"
			assert.Equal(t, s.Run("sh", "-c", fmt.Sprintf(refs, bare, "refs/heads")), s.Run("sh", "-c", fmt.Sprintf(refs, dir+"0", "refs/remotes")))

			// One more commit is pushed, and fetched by a clone with many commits of its own.
			s.mustGit("-C", dir+"1", "commit", "-q", "--allow-empty", "-m", "one more")
			trace = s.mustGit("-C", dir+"1", "push", "-q", "origin", "main")
			assert.Regexp(t, `Content-Length: [1-9]\d\d`, trace, "what is small has one")
			s.branches(dir+"2", "own", 4_000_000_000)
			trace = s.mustGit("-C", dir+"2", "-c", "protocol.version=0", "fetch", "-q", "origin", "main")
			assert.Contains(t, trace, "Content-Encoding: gzip", "the list of what it has is long")
			assert.Equal(t, s.revision(dir+"1", "main"), s.revision(dir+"2", "FETCH_HEAD"))

			out, err := s.git("clone", "-q", strings.Replace(url, "project", "missing", 1), dir+"missing")
			require.Error(t, err)
			assert.Contains(t, out, "not found")
			s.noneLeft(p)
		})
	}
}

// TestGitClientLeaves closes the connection during a clone and during a push. git http-backend 2.39 then
// loops until it is killed.
func TestGitClientLeaves(t *testing.T) {
	s := newSite(t)
	s.Run("git", "init", "--quiet", "-b", "main", "/srv/work")
	data := make([]byte, 5<<20)
	_, _ = rand.Read(data)
	require.NoError(t, os.WriteFile(s.Path("/srv/work/large"), data, 0o644))
	s.mustGit("-C", "/srv/work", "add", "large")
	s.mustGit("-C", "/srv/work", "commit", "-q", "-m", "large")
	commit, _, _ := strings.Cut(s.revision("/srv/work", "main"), "\n")
	// Otherwise nginx reads the whole response at once, and git ends early.
	s.Write("/etc/nginx/conf.d/unbuffered.conf", "scgi_buffering off;\n")

	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			p := s.serveGit(mode)
			path, bare := "/git-"+mode+"/project.git", "/srv/git-"+mode+"/project.git"
			s.mustGit("-C", "/srv/work", "push", "-q", "http://127.0.0.1:"+webPort+path, "main")

			// A client's request for a clone (gitprotocol-pack(5)), compressed as git does.
			want := fmt.Sprintf("0032want %s\n0000"+"0009done\n", commit)
			resp := s.post(t.Context(), path+"/git-upload-pack", want)
			require.Equal(t, 200, resp.StatusCode)
			_, err := io.ReadFull(resp.Body, make([]byte, 10000))
			require.NoError(t, err)
			s.under(".*pack-objects.*")
			resp.Body.Close()
			s.logged(p.units(), map[string]string{"SOCKETGI_PATH": path + "/git-upload-pack", "SOCKETGI_STATUS": "499"})
			s.noneLeft(p)

			// A push with a slow hook, whose client is killed.
			s.script(bare+"/hooks/pre-receive", "sleep 1004")
			cmd := s.Command("git", "-C", "/srv/work", "push", "-q", "http://127.0.0.1:"+webPort+path, "main:other")
			require.NoError(t, cmd.Start())
			s.under("sleep 1004")
			s.Run("pkill", "-KILL", "-f", "git-remote-http")
			assert.Error(t, cmd.Wait())
			s.logged(p.units(), map[string]string{"SOCKETGI_PATH": path + "/git-receive-pack", "SOCKETGI_STATUS": "499"})
			s.noneLeft(p)
			_, err = s.Try("git", "-c", "safe.directory=*", "-C", bare, "rev-parse", "--verify", "-q", "other")
			assert.Error(t, err, "nothing has come of it")

			require.NoError(t, os.Remove(s.Path(filepath.Join(bare, "hooks/pre-receive"))))
			s.mustGit("clone", "-q", "http://127.0.0.1:"+webPort+path, "/srv/clone-"+mode)
			s.noneLeft(p)
		})
	}
}

// post sends a compressed body to git, and returns the response with an unread body.
func (s *site) post(ctx context.Context, path, body string) *http.Response {
	s.t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = io.WriteString(w, body)
	require.NoError(s.t, w.Close())
	req, err := http.NewRequestWithContext(ctx, "POST", "http://localhost"+path, &packed)
	require.NoError(s.t, err)
	req.Header.Set("Content-Type", "application/x-git-upload-pack-request")
	req.Header.Set("Content-Encoding", "gzip")
	resp, err := s.client.Do(req)
	require.NoError(s.t, err)
	return resp
}
