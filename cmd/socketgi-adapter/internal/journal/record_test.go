package journal

import (
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi/gateway"
	"github.com/stretchr/testify/assert"
)

// TestEntry holds the text of records, and their fields.
func TestEntry(t *testing.T) {
	about := gateway.Subject{ID: "id-1", Method: "GET", Path: "/a\nb"}
	head := []field{{"SOCKETGI_REQUEST_ID", "id-1"}, {"SOCKETGI_METHOD", "GET"}, {"SOCKETGI_PATH", `/a\nb`}, {"MESSAGE_ID", "1f2f4ac1f4f14ec1a3f8b9a40c7de4a6"}}
	for _, c := range []struct {
		record  gateway.Record
		message string
		fields  []field
	}{
		{gateway.Record{Subject: about, Status: 200, Bytes: 5, Took: 1500 * time.Microsecond, Queued: time.Millisecond, CPU: time.Millisecond,
			PeakMemory: 9 << 20, ExitStatus: 3},
			`GET /a\nb 200 5 bytes 1.5 ms, 1.0 ms CPU, 9 MiB, exit status 3`,
			[]field{{"SOCKETGI_STATUS", "200"}, {"SOCKETGI_BYTES", "5"}, {"SOCKETGI_MS", "1.5"}, {"SOCKETGI_QUEUE_MS", "1.0"},
				{"SOCKETGI_CPU_MS", "1.0"}, {"SOCKETGI_PEAK_MEMORY", "9437184"}, {"SOCKETGI_EXIT_STATUS", "3"}}},
		{gateway.Record{Subject: about, Status: 200, Warm: true, CPU: time.Microsecond, Growth: 2048, Service: time.Millisecond, Cut: true},
			`GET /a\nb 200 0 bytes 0.0 ms, 0.0 ms CPU, +2 KiB, cut`,
			[]field{{"SOCKETGI_STATUS", "200"}, {"SOCKETGI_BYTES", "0"}, {"SOCKETGI_MS", "0.0"}, {"SOCKETGI_QUEUE_MS", "0.0"},
				{"SOCKETGI_CPU_MS", "0.0"}, {"SOCKETGI_MEMORY_GROWTH", "2048"}, {"SOCKETGI_SERVICE_MS", "1.0"}, {"SOCKETGI_CUT", "1"}}},
		{gateway.Record{Subject: about, Status: 200, Warm: true, Service: time.Millisecond},
			`GET /a\nb 200 0 bytes 0.0 ms`,
			[]field{{"SOCKETGI_STATUS", "200"}, {"SOCKETGI_BYTES", "0"}, {"SOCKETGI_MS", "0.0"}, {"SOCKETGI_QUEUE_MS", "0.0"}, {"SOCKETGI_SERVICE_MS", "1.0"}}},
	} {
		message, fields := entry(&c.record)
		assert.Equal(t, c.message, message)
		assert.Equal(t, append(head[:len(head):len(head)], c.fields...), fields)
	}
}
