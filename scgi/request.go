package scgi

import (
	"iter"
	"os"
	"unsafe"
)

// Request is one decoded request.
type Request struct {
	// ContentLength is the number of bytes of the body.
	ContentLength int64
	// Body is the body once [Request.ReadBody] has taken it.
	Body Body

	block  []byte // the header block, which nobody writes to any more
	fields []field
	empty  bool // that there is no body was said otherwise than by a CONTENT_LENGTH of 0
	// What follows has no pointers, so the collector needn't look at it.
	inline [inlineFields]field
	first  [minRequest]byte // the beginning of the wire, before the length is known
}

// field is where a header ends in the block; it begins where the one before ends.
type field struct{ nameEnd, valueEnd uint32 }

// inlineFields is how many headers a Request holds without another allocation: a
// browser behind nginx sends 25 to 30.
const inlineFields = 40

// Header is one name and value of a request, such as REQUEST_METHOD and GET, as it is on
// the wire.
type Header struct{ Name, Value string }

// Headers yields every header in the order of arrival, repeated ones too;
// [AppendHeader] makes the same bytes of them again. What an application may see of
// them is what [Request.Params] returns.
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

// text makes a string of bytes that never change.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Body is a whole request body: bytes in memory, or a file.
type Body struct {
	// Data is the body when it is small.
	Data []byte
	// File is the body when it is not: a file without a name, at offset 0,
	// that ends where the body ends. The owner closes it.
	File *os.File
}
