package scgihttp

import (
	"bytes"
	"io"
	"net/http"
	"os"

	"github.com/socketgi/socketgi/scgi"
)

// requestBody is the body of a request, which is all there when the handler starts. It
// ends at CONTENT_LENGTH.
type requestBody struct {
	data   bytes.Reader
	file   *os.File // in place of data
	closed bool
}

func (b *requestBody) set(body scgi.Body) {
	b.data.Reset(body.Data)
	b.file = body.File
}

func (b *requestBody) Read(p []byte) (int, error) {
	switch {
	case b.closed:
		return 0, http.ErrBodyReadAfterClose
	case b.file != nil:
		return b.file.Read(p)
	}
	return b.data.Read(p)
}

// WriteTo spares io.Copy its buffer, and copies between files in the kernel.
func (b *requestBody) WriteTo(w io.Writer) (int64, error) {
	switch {
	case b.closed:
		return 0, http.ErrBodyReadAfterClose
	case b.file != nil:
		return b.file.WriteTo(w)
	}
	return b.data.WriteTo(w)
}

func (b *requestBody) Close() error {
	if !b.closed && b.file != nil {
		b.file.Close()
	}
	b.closed = true
	return nil
}
