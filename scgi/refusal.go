package scgi

import (
	"errors"

	"golang.org/x/sys/unix"
)

// RetryAfter is the header line of every response with status 503 of this module: a client can try again after
// 5 seconds (RFC 9110, 10.2.3).
const RetryAfter = "Retry-After: 5\r\n"

// Refusal returns the response to a request that could not be read: the status
// code, and a sentence. Err is an error of [ReadRequest], [Request.ReadBody] or [Request.Params]: a
// [RequestError], or an error of the file of its body.
func Refusal(err error) (status int, text string) {
	var wrong *RequestError
	switch {
	case errors.As(err, &wrong):
		return wrong.Status, "The request was refused: " + wrong.Reason + "."
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return 507, "There is no space for the request's body."
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		return 503, "This machine is too busy. Try again in a few seconds."
	}
	return 500, "The request can't be stored."
}
