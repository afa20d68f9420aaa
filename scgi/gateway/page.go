package gateway

import (
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/scgi"
)

// page makes the response: a line of text without details for the operator.
func (r *Request) page(f failure) []byte {
	return scgi.AppendError(nil, f.status, r.idHeader()+f.header, f.text)
}

// idHeader is the header line with the id of the request, "" before that is known.
func (r *Request) idHeader() string {
	if r.config.IDHeader == "" || r.ID == "" {
		return ""
	}
	return r.config.IDHeader + ": " + r.ID + "\r\n"
}

// debugPage makes a response with the details for the operator.
func (r *Request) debugPage(f failure, detail string) []byte {
	title := scgi.StatusLine(f.status)
	body := "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + title + "</title>\n" +
		"<style>body{font:16px/1.5 sans-serif;margin:2em}pre{background:#f4f4f4;padding:1em;overflow:auto}</style></head>\n" +
		"<body><h1>" + title + "</h1><p>" + escapeHTML(f.text) + "</p>\n<pre>" + escapeHTML(detail) + "</pre></body></html>\n"
	return []byte("Status: " + title + "\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n" +
		"Content-Length: " + strconv.Itoa(len(body)) + "\r\n" + r.idHeader() + f.header + "\r\n" + body)
}

func escapeHTML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;").Replace(s)
}
