package adapter

// ProbeHeader is the header field by which a request that socketgi makes is told apart from those
// of clients, and ProbeVariable what SCGI makes of it. Its value is an id of up to 64 letters, digits,
// "-", "_" and "@"; the application doesn't get it.
const (
	ProbeHeader   = "Socketgi-Probe"
	ProbeVariable = "HTTP_SOCKETGI_PROBE"
)

// RequestIDHeader is the header field in which the response to a request that failed in the
// adapter has its id: what the journal has it under ([FieldRequestID]). The page has it in its
// text, too, for people. Responses of an application are the application's alone.
const RequestIDHeader = "Socketgi-Request-Id"
