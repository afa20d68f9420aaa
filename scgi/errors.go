package scgi

import "strconv"

// RequestError is the reason why a request was refused. This package returns the values below only;
// errors.Is distinguishes them.
type RequestError struct {
	// Status is the HTTP status code for the client: 400, 408, 413 or 431.
	Status int
	// Reason is one sentence for the operator. It never quotes the request.
	Reason string
}

// Error is the reason, and the status.
func (e *RequestError) Error() string {
	return "scgi: " + e.Reason + " (" + strconv.Itoa(e.Status) + ")"
}

// The errors of requests.
var (
	ErrTruncated       = &RequestError{400, "the connection ended in the middle of the request header"}
	ErrLength          = &RequestError{400, "the request does not begin with the length of a netstring: does the web server speak SCGI?"}
	ErrLeadingZero     = &RequestError{400, "the netstring length has a leading zero"}
	ErrTooShort        = &RequestError{400, "the header block is too short to hold CONTENT_LENGTH and SCGI"}
	ErrComma           = &RequestError{400, "no comma follows the header block"}
	ErrUnterminated    = &RequestError{400, "the header block does not end with a NUL after a value"}
	ErrName            = &RequestError{400, "a header name is empty or contains an invalid character"}
	ErrValue           = &RequestError{400, "the value of a header, or of a variable that can have only one line, contains CR or LF"}
	ErrHeaderName      = &RequestError{400, "the name of a client's header is malformed"}
	ErrHost            = &RequestError{400, "HTTP_HOST is not a host"}
	ErrMethod          = &RequestError{400, "REQUEST_METHOD is not a method"}
	ErrTarget          = &RequestError{400, "REQUEST_URI is malformed"}
	ErrProtocol        = &RequestError{400, "SERVER_PROTOCOL is not a version of HTTP"}
	ErrNoContentLength = &RequestError{400, "the first header is not CONTENT_LENGTH"}
	ErrContentLength   = &RequestError{400, "CONTENT_LENGTH is not a decimal number"}
	ErrRepeated        = &RequestError{400, "CONTENT_LENGTH is sent twice, with two different values: " +
		"remove scgi_param CONTENT_LENGTH from the web server's location (nginx sends it without that)"}
	ErrNoSCGI  = &RequestError{400, "the header SCGI is not sent with the value 1"}
	ErrCutBody = &RequestError{400, "the client announced another body length than the web server sends: " +
		"a web server that streams request bodies (nginx before 1.29.6 with scgi_request_buffering off) cuts them"}
	ErrUnknownBody = &RequestError{400, "the client announced a body, but the web server sends none. " +
		"If this is a subrequest of nginx (auth_request, SSI), its location needs: " +
		`scgi_pass_request_body off; scgi_param CONTENT_LENGTH ""; scgi_param HTTP_CONTENT_LENGTH ""; ` +
		"if it is not, nginx before 1.29.6 needs scgi_request_buffering on"}
	ErrBytesFollow = &RequestError{400, "the web server announces no body, but sends one: " +
		"scgi_pass_request_body off is missing beside its empty CONTENT_LENGTH, or it is nginx before 1.29.6 with scgi_request_buffering off"}
	ErrNoMethod = &RequestError{400, "REQUEST_METHOD is missing: " +
		"does the web server's configuration include its parameters (nginx: include scgi_params)?"}
	ErrTruncatedBody  = &RequestError{400, "the connection ended in the middle of the body"}
	ErrHeaderTimeout  = &RequestError{408, "the request header did not arrive in time"}
	ErrBodyTimeout    = &RequestError{408, "the request body stopped arriving"}
	ErrBodyTooLarge   = &RequestError{413, "the request body exceeds the limit"}
	ErrHeaderTooLarge = &RequestError{431, "the request header exceeds the limit"}
	ErrTooManyHeaders = &RequestError{431, "the number of request headers exceeds the limit"}
)
