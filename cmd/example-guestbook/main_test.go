package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

func do(b book, method, name, text string) *httptest.ResponseRecorder {
	form := url.Values{"name": {name}, "text": {text}}
	r := httptest.NewRequest(method, "/guestbook/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

func TestGuestbook(t *testing.T) {
	b := book(filepath.Join(t.TempDir(), "entries"))
	assert.Contains(t, do(b, "GET", "", "").Body.String(), "Nobody has signed yet.")
	w := do(b, "POST", " Ann ", "<script>alert(1)</script>\nsecond line")
	assert.Equal(t, http.StatusSeeOther, w.Code)
	assert.Equal(t, "/guestbook/", w.Header().Get("Location"))
	assert.Equal(t, http.StatusBadRequest, do(b, "POST", "Ann", " ").Code)
	assert.Equal(t, http.StatusBadRequest, do(b, "POST", "Ann", strings.Repeat("x", 4000)).Code)
	w = do(b, "GET", "", "")
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Contains(t, w.Body.String(), "<b>Ann</b>: &lt;script&gt;alert(1)&lt;/script&gt;\nsecond line</p>")
	assert.NotContains(t, w.Body.String(), "<script>")
	assert.Panics(t, func() { do(book(t.TempDir()), "GET", "", "") })
}

func TestGuestbookConcurrent(t *testing.T) {
	b := book(filepath.Join(t.TempDir(), "entries"))
	var all sync.WaitGroup
	for i := range 50 {
		all.Add(1)
		go func() {
			defer all.Done()
			assert.Equal(t, http.StatusSeeOther, do(b, "POST", fmt.Sprint(i), strings.Repeat("x", 3000)).Code)
		}()
	}
	all.Wait()
	assert.Equal(t, 50, strings.Count(do(b, "GET", "", "").Body.String(), "<p><b>"))
}
