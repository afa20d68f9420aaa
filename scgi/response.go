package scgi

import "strconv"

// AppendError appends a whole response of plain text to dst: the status, the
// given header lines (each with its CRLF, or "" for none), and one line of text for a
// person. Status is sent as RFC 3875, 6.3.3, has it.
func AppendError(dst []byte, status int, header, text string) []byte {
	dst = append(dst, "Status: "...)
	dst = append(dst, StatusLine(status)...)
	dst = append(dst, "\r\nContent-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(text)+1), 10)
	dst = append(dst, "\r\n"...)
	dst = append(dst, header...)
	dst = append(dst, "\r\n"...)
	dst = append(dst, text...)
	return append(dst, '\n')
}

// StatusLine returns a status code with its phrase (RFC 9110, 15; RFC 6585), such as
// "404 Not Found". It knows those that errors of this module have; others get the
// phrase "Error".
func StatusLine(code int) string {
	phrase := "Error"
	switch code {
	case 400:
		phrase = "Bad Request"
	case 403:
		phrase = "Forbidden"
	case 404:
		phrase = "Not Found"
	case 408:
		phrase = "Request Timeout"
	case 413:
		phrase = "Content Too Large"
	case 431:
		phrase = "Request Header Fields Too Large"
	case 500:
		phrase = "Internal Server Error"
	case 502:
		phrase = "Bad Gateway"
	case 503:
		phrase = "Service Unavailable"
	case 504:
		phrase = "Gateway Timeout"
	case 507:
		phrase = "Insufficient Storage"
	}
	return strconv.Itoa(code) + " " + phrase
}
