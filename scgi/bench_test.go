package scgi

import (
	"bytes"
	"io"
	"strconv"
	"testing"
)

// BenchmarkReadRequest decodes a request of 25 headers as nginx sends it, next to
// the straightforward way with bytes.Split.
//
//	go test ./scgi -run '^$' -bench ReadRequest -benchmem
func BenchmarkReadRequest(b *testing.B) {
	wire := AppendHeader(nil, nginxHeader)
	r := bytes.NewReader(nil)
	b.Run("socketgi", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.Reset(wire)
			if _, err := ReadRequest(r, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bytes.Split", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.Reset(wire)
			if len(splitRequest(r)) != len(nginxHeader) {
				b.Fatal("not decoded")
			}
		}
	})
}

// splitRequest decodes without a look at what can be wrong.
func splitRequest(r io.Reader) map[string]string {
	wire, _ := io.ReadAll(r)
	colon := bytes.IndexByte(wire, ':')
	n, _ := strconv.Atoi(string(wire[:colon]))
	parts := bytes.Split(wire[colon+1:colon+1+n], []byte{0})
	m := make(map[string]string, len(parts)/2)
	for i := 0; i+1 < len(parts); i += 2 {
		m[string(parts[i])] = string(parts[i+1])
	}
	return m
}
