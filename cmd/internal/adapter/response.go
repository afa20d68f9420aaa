package adapter

// RequestIDHeader is the header field in which the response to a request that failed in the
// adapter has its id: what the journal has it under ([FieldRequestID]). The page has it in its
// text, too, for people. Responses of an application are the application's alone.
const RequestIDHeader = "Socketgi-Request-Id"
