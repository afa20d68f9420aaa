package main

import (
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/scgi"
)

// page makes the response to a request that the application gives none to. The
// text is for anybody; detail, which is not, is shown with --debug only.
func page(status int, text, detail string, debug bool) []byte {
	header := ""
	if status == 503 {
		header = "Retry-After: 5\r\n"
	}
	if !debug || detail == "" {
		return scgi.AppendError(nil, status, header, text)
	}
	title := scgi.StatusLine(status)
	body := "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + title + "</title>\n" +
		"<style>body{font:16px/1.5 sans-serif;margin:2em}pre{background:#f4f4f4;padding:1em;overflow:auto}</style></head>\n" +
		"<body><h1>" + title + "</h1><p>" + escapeHTML(text) + "</p>\n<pre>" + escapeHTML(detail) + "</pre></body></html>\n"
	return []byte("Status: " + title + "\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n" +
		"Content-Length: " + strconv.Itoa(len(body)) + "\r\n" + header + "\r\n" + body)
}

func escapeHTML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;").Replace(s)
}
