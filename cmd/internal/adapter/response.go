package adapter

// RequestIDHeader is the header field in which the response to a request that failed in the
// adapter has its id: what the journal has it under ([FieldRequestID]).
const RequestIDHeader = "Socketgi-Request-Id"
