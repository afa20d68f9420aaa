package adapter

// ProbeHeader marks a request of socketgi's own, and ProbeVariable is its name in SCGI. The value is
// an id of up to 64 letters, digits, "-", "_" and "@". The application doesn't see the header.
const (
	ProbeHeader   = "Socketgi-Probe"
	ProbeVariable = "HTTP_SOCKETGI_PROBE"
)

// RequestIDHeader carries the id of a request ([FieldRequestID]) in an error response of the adapter;
// the page shows it, too. Responses of an application are not changed.
const RequestIDHeader = "Socketgi-Request-Id"
