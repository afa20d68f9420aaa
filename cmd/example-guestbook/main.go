// Command example-guestbook is a whole Go program behind a socket unit, in both Accept=
// modes: a guest book that keeps its entries in StateDirectory=.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"html/template"
	"io/fs"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/socketgi/socketgi/scgi/scgihttp"
)

type entry struct{ Name, Text string }

var page = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>Guest book</title><h1>Guest book</h1>
<form method="post"><input name="name" placeholder="Name" maxlength="50" required>
<input name="text" placeholder="What do you say?" maxlength="500" required> <button>Sign</button></form>
{{range .}}<p><b>{{.Name}}</b>: {{.Text}}</p>
{{else}}<p>Nobody has signed yet.</p>
{{end}}</html>
`))

// book is the path of a file with one JSON object per line.
type book string

func (b book) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		e := entry{strings.TrimSpace(r.PostFormValue("name")), strings.TrimSpace(r.PostFormValue("text"))}
		if e.Name == "" || e.Text == "" || len(e.Name)+len(e.Text) > 4000 {
			http.Error(w, "A name and a text, not too long, please.", http.StatusBadRequest)
		} else if err := b.add(e); err != nil {
			panic(err) // logged, and answered with a 500
		} else {
			http.Redirect(w, r, "/"+strings.TrimLeft(r.URL.Path, "/"), http.StatusSeeOther)
		}
		return
	}
	data, err := os.ReadFile(string(b))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		panic(err)
	}
	var entries []entry
	for line := range bytes.Lines(data) {
		var e entry
		if json.Unmarshal(line, &e) == nil { // a line that is being written is for the next reader
			entries = append(entries, e)
		}
	}
	_ = page.Execute(w, entries) // fails if the client has closed the connection
}

// add appends a line in a single write, so that processes don't get into each other's.
func (b book) add(e entry) error {
	f, err := os.OpenFile(string(b), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	line, _ := json.Marshal(e) // of strings it can't fail
	_, err = f.Write(append(line, '\n'))
	return err
}

func main() {
	log.SetFlags(0) // the journal has the time
	if err := scgihttp.Serve(nil, book(filepath.Join(os.Getenv("STATE_DIRECTORY"), "entries"))); err != nil {
		log.Fatal(err)
	}
}
