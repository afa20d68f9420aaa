package adapter

// Message ids of the adapter's journal entries (sd_id128(3)), for journalctl MESSAGE_ID=.
const (
	// RequestMessage is the record of a request.
	RequestMessage = "1f2f4ac1f4f14ec1a3f8b9a40c7de4a6"
	// ProblemMessage is an error, or output of an application that belongs to no single request.
	ProblemMessage = "b0c5d3c9f7c14f4d8d2b0f0a6f1f8c37"
	// ProbeMessage announces a probe: socketgi writes it, with [FieldProbe], before it requests a
	// page through the web server.
	ProbeMessage = "5d0d6a3c7e5b4c1f9a5f2f0c9d1e8b62"
)

// Fields of journal entries (systemd.journal-fields(7)).
const (
	// FieldRequestID, FieldMethod and FieldPath are in every entry about a request.
	FieldRequestID = "SOCKETGI_REQUEST_ID"
	FieldMethod    = "SOCKETGI_METHOD"
	FieldPath      = "SOCKETGI_PATH"
	// FieldStatus is the status of a response, a number.
	FieldStatus = "SOCKETGI_STATUS"
	// FieldBytes is the length of the response's body.
	FieldBytes = "SOCKETGI_BYTES"
	// FieldMS is the time from the connection to the end, in milliseconds with one decimal;
	// FieldQueueMS is its part in the queue, FieldServiceMS its part in a warm worker, and
	// FieldCPUMS the processor time.
	FieldMS        = "SOCKETGI_MS"
	FieldQueueMS   = "SOCKETGI_QUEUE_MS"
	FieldServiceMS = "SOCKETGI_SERVICE_MS"
	FieldCPUMS     = "SOCKETGI_CPU_MS"
	// FieldPeakMemory is the largest resident set of the request's own process, and
	// FieldMemoryGrowth the growth of a warm worker beyond its largest so far, in bytes.
	FieldPeakMemory   = "SOCKETGI_PEAK_MEMORY"
	FieldMemoryGrowth = "SOCKETGI_MEMORY_GROWTH"
	// FieldCut is "1" in the record of an incomplete response, and absent otherwise.
	FieldCut = "SOCKETGI_CUT"
	// FieldExitStatus is the exit status of the request's own process, absent if that is 0.
	FieldExitStatus = "SOCKETGI_EXIT_STATUS"
	// FieldProbe is the value of a request's [ProbeHeader], in every entry about the request.
	// Any client can send that header. The adapter logs such requests, too; readers hide them if
	// root has announced the same value in a [ProbeMessage].
	FieldProbe = "SOCKETGI_PROBE"
)
