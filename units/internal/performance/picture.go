package main

import (
	"fmt"
	"strings"
)

// ways are the bars of the picture.
var ways = []struct{ name, title, color string }{
	{"socketgi", "socketgi, Accept=no", "#2f6f4f"},
	{"fresh", "socketgi, a fresh process for each request", "#8fbf9f"},
	{"uwsgi", "uWSGI", "#7a7a9a"},
	{"gunicorn", "gunicorn", "#b0a080"},
}

// picture draws requests per second with 16 connections as bars (SVG), "" where they weren't measured.
func (m *measured) picture(suite string) string {
	const left, width, bar = 70, 420, 16
	y := 46
	var body strings.Builder
	for _, app := range []string{"hello", "Flask", "Django"} {
		r := m.find("Warm/rate/"+strings.ToLower(app), suite)
		if r == nil {
			return ""
		}
		rate := func(name string) float64 { return r.Medians[name]["16: requests/s"] }
		most := 1.0
		for _, way := range ways {
			most = max(most, rate(way.name))
		}
		fmt.Fprintf(&body, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" font-weight=\"bold\">%s</text>\n", left-8, y+2*bar+4, app)
		for _, way := range ways {
			w := rate(way.name) / most * width
			fmt.Fprintf(&body, "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", left, y, max(w, 1), bar-2, way.color)
			fmt.Fprintf(&body, "<text x=\"%.1f\" y=\"%d\">%.0f</text>\n", left+w+6, y+bar-4, rate(way.name))
			y += bar
		}
		y += 12
	}
	var out strings.Builder
	fmt.Fprintf(&out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"620\" height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n", y+6)
	out.WriteString("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n")
	fmt.Fprintf(&out, "<text x=\"12\" y=\"16\">Requests per second through nginx, 16 connections, 2 processes, Debian's %s</text>\n", suite)
	x := 12
	for _, way := range ways {
		fmt.Fprintf(&out, "<rect x=\"%d\" y=\"26\" width=\"10\" height=\"10\" fill=\"%s\"/><text x=\"%d\" y=\"35\">%s</text>\n", x, way.color, x+14, way.title)
		x += 26 + 7*len(way.title)
	}
	out.WriteString(body.String() + "</svg>\n")
	return out.String()
}
