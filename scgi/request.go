package scgi

import (
	"iter"
	"os"
	"unsafe"
)

// Request is one decoded request.
type Request struct {
	// ContentLength is the length of the body, in bytes.
	ContentLength int64
	// Body is the body, after [Request.ReadBody].
	Body Body

	block  []byte // the header block, which is never modified
	fields []field
	empty  bool // there is no body, although CONTENT_LENGTH may not be 0 (lengths.go)
	// The following fields have no pointers, so that the garbage collector skips them.
	inline [inlineFields]field
	first  [minRequest]byte // the beginning of the request, before its length is known
}

// field has the ends of a header's name and value in the block. The name begins after the previous value.
type field struct{ nameEnd, valueEnd uint32 }

// inlineFields is the number of headers of a Request without another allocation: a browser behind nginx sends
// 25 to 30.
const inlineFields = 40

// Header is one name and value of a request as sent, such as REQUEST_METHOD and GET.
type Header struct{ Name, Value string }

// Headers yields all headers in the order of arrival, including repeated ones; [AppendHeader] encodes them to
// the same bytes. [Request.Params] returns those for an application.
func (r *Request) Headers() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		start := uint32(0)
		for _, f := range r.fields {
			if !yield(text(r.block[start:f.nameEnd]), text(r.block[f.nameEnd+1:f.valueEnd])) {
				return
			}
			start = f.valueEnd + 1
		}
	}
}

// Get returns the value of the last header with that name, or "".
func (r *Request) Get(name string) (value string) {
	for n, v := range r.Headers() {
		if n == name {
			value = v
		}
	}
	return value
}

// text converts bytes that are never modified to a string, without a copy.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Body is a complete request body: bytes in memory, or a file.
type Body struct {
	// Data is a small body.
	Data []byte
	// File is a larger body: an unlinked file at offset 0, which contains nothing else. The owner closes
	// it.
	File *os.File
}
