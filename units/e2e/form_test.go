package e2e

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"mime/multipart"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestForm sends forms to a program that parses them with Perl's CGI.pm.
func TestForm(t *testing.T) {
	s := newSite(t)
	s.Install(filepath.Join("testdata", "cgi", "upload.cgi"), "/srv/cgi/upload.cgi", 0o755)
	data := make([]byte, 3<<20)
	_, _ = rand.Read(data)
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			p := program{name: mode, accept: mode, flags: []string{"--user", "www-data"}, run: []string{"--cgi-root", "/srv/cgi"}}
			s.serveCGI(p)
			script := "/" + mode + "/upload.cgi"

			got := s.get(script)
			assert.Equal(t, "text/html; charset=utf-8", got.Header.Get("Content-Type"))
			assert.Contains(t, got.body, `<form method="post" action="upload.cgi" enctype="multipart/form-data">`)

			var form bytes.Buffer
			w := multipart.NewWriter(&form)
			require.NoError(t, w.WriteField("name", "Zoë ☃"))
			part, err := w.CreateFormFile("file", "naïve file.bin")
			require.NoError(t, err)
			_, _ = part.Write(data)
			require.NoError(t, w.WriteField("tag", "a"))
			require.NoError(t, w.WriteField("tag", "b"))
			require.NoError(t, w.Close())
			got = s.do("POST", "http://localhost:8443"+script, &form, "Content-Type", w.FormDataContentType(), "Cookie", "other=x; visits=6")
			assert.Equal(t, fmt.Sprintf("Zoë ☃\n5\na,b\nnaïve file.bin\n%d\n%x\nhttp://localhost:8443%s\n", len(data), sha256.Sum256(data), script), got.body)
			assert.Equal(t, []string{"visits=7; path=" + script}, got.Header.Values("Set-Cookie"))

			values := url.Values{"name": {"Zoë & Co"}, "tag": {"x", "y"}}
			got = s.do("POST", script, strings.NewReader(values.Encode()), "Content-Type", "application/x-www-form-urlencoded")
			assert.True(t, strings.HasPrefix(got.body, "Zoë & Co\n8\nx,y\n"), got.body)

			got = s.get("http://localhost:8443" + script + "/away")
			assert.Equal(t, 303, got.StatusCode)
			assert.Equal(t, "http://localhost:8443"+script+"/thanks?of=me", got.Header.Get("Location"))
			s.noneLeft(p)
		})
	}
}
