package adapter

// Message ids of the entries that the adapter writes to the journal (sd_id128(3)): journalctl
// finds all of a kind by MESSAGE_ID=.
const (
	// RequestMessage is the record of a request.
	RequestMessage = "1f2f4ac1f4f14ec1a3f8b9a40c7de4a6"
	// ProblemMessage is what went wrong, and what an application wrote where that is of no
	// request alone.
	ProblemMessage = "b0c5d3c9f7c14f4d8d2b0f0a6f1f8c37"
	// ProbeMessage announces a probe: socketgi writes it, with [FieldProbe], before it asks
	// for a page by way of the web server.
	ProbeMessage = "5d0d6a3c7e5b4c1f9a5f2f0c9d1e8b62"
)

// Fields of entries of the journal, of our own (systemd.journal-fields(7)).
const (
	// FieldRequestID, FieldMethod and FieldPath are of every entry that is about a request.
	FieldRequestID = "SOCKETGI_REQUEST_ID"
	FieldMethod    = "SOCKETGI_METHOD"
	FieldPath      = "SOCKETGI_PATH"
	// FieldStatus is the status of a response, a number.
	FieldStatus = "SOCKETGI_STATUS"
	// FieldBytes is the length of its body.
	FieldBytes = "SOCKETGI_BYTES"
	// FieldMS is how long it took, from the connection to the end, in milliseconds with one
	// decimal; FieldQueueMS is how much of that was spent in the queue, FieldServiceMS how
	// much of it with a warm worker, and FieldCPUMS the processor time.
	FieldMS        = "SOCKETGI_MS"
	FieldQueueMS   = "SOCKETGI_QUEUE_MS"
	FieldServiceMS = "SOCKETGI_SERVICE_MS"
	FieldCPUMS     = "SOCKETGI_CPU_MS"
	// FieldPeakMemory is the largest resident set of a process of its own, and
	// FieldMemoryGrowth by how much a warm worker became larger than ever, in bytes.
	FieldPeakMemory   = "SOCKETGI_PEAK_MEMORY"
	FieldMemoryGrowth = "SOCKETGI_MEMORY_GROWTH"
	// FieldCut is "1" in the record of a response that broke off, and else left out.
	FieldCut = "SOCKETGI_CUT"
	// FieldExitStatus is that of a process of its own that ended with another one than 0,
	// and else left out.
	FieldExitStatus = "SOCKETGI_EXIT_STATUS"
	// FieldProbe is what a request's [ProbeHeader] said, of every entry that is about the
	// request. Anybody can send that header, so the adapter leaves no record out for it: readers
	// do, where a [ProbeMessage] of root's has announced the same value.
	FieldProbe = "SOCKETGI_PROBE"
)
