package scgi

import "os"

// Header is one name and value of a request, as the web server sent it.
type Header struct{ Name, Value string }

// Request is one decoded request.
type Request struct {
	// Header holds every header in the order of arrival, repeated ones too;
	// [AppendHeader] makes the same bytes of it again. What an application may
	// see of it is what [Request.Params] returns.
	Header []Header
	// ContentLength is the number of bytes of the body.
	ContentLength int64
	// Body is the body once [Request.ReadBody] has taken it.
	Body Body

	first  [minRequest]byte // the beginning of the wire, before the length is known
	inline [inlineHeaders]Header
}

// inlineHeaders is how many headers a Request holds without another
// allocation: a browser behind nginx sends 25 to 30.
const inlineHeaders = 36

// Get returns the value of the last header with that name, or "".
func (r *Request) Get(name string) string {
	for i := len(r.Header) - 1; i >= 0; i-- {
		if r.Header[i].Name == name {
			return r.Header[i].Value
		}
	}
	return ""
}

// Body is a whole request body: bytes in memory, or a file.
type Body struct {
	// Data is the body when it is small.
	Data []byte
	// File is the body when it is not: a file without a name, at offset 0,
	// that ends where the body ends. The owner closes it.
	File *os.File
}
