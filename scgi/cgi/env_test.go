package cgi

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEnvironment(t *testing.T) {
	unit := []string{"PATH=/unit", "HTTP_PROXY=http://evil", "http_proxy=http://fine", "REMOTE_ADDR=web server", "REMOTE_PORT=1",
		"NOTIFY_SOCKET=/run/x", "REDIRECT_STATUS=500", "JOURNAL_STREAM=1:2", "CONTENT_TYPE=x", "GIT_PROJECT_ROOT=/srv/git", "EMPTY="}
	s := &script{name: "/cgi/a.cgi", scriptName: "/a.cgi", pathInfo: "/i"}
	assert.ElementsMatch(t, []string{"PATH=/unit", "http_proxy=http://fine", "GIT_PROJECT_ROOT=/srv/git", "EMPTY=",
		"GATEWAY_INTERFACE=CGI/1.1", "SCRIPT_NAME=/a.cgi", "SCRIPT_FILENAME=/cgi/a.cgi", "PATH_INFO=/i",
		"PATH_TRANSLATED=/var/www/i", "DOCUMENT_ROOT=/var/www", "REQUEST_METHOD=GET", "QUERY_STRING=", "REMOTE_ADDR=192.0.2.1",
		"REMOTE_USER=me", "AUTH_TYPE=Basic", "HTTP_AUTHORIZATION=Basic xyz", "PERL_HASH_SEED=1", "REDIRECT_STATUS=200", "SERVER_SOFTWARE=socketgi"},
		s.build(unit, variables(map[string]string{
			"CONTENT_LENGTH": "0", "SCGI": "1", "DOCUMENT_ROOT": "/var/www", "REQUEST_METHOD": "GET", "QUERY_STRING": "",
			"REMOTE_ADDR": "192.0.2.1", "PATH": "/evil", "LD_PRELOAD": "/evil.so", "SCRIPT_NAME": "", "PATH_INFO": "/a.cgi/i", "CONTENT_TYPE": "",
			"REMOTE_USER": "me", "HTTP_AUTHORIZATION": "Basic xyz", "PERL_HASH_SEED": "1", "SCRIPT_FILENAME": "x"})))

	env := s.build(nil, variables(map[string]string{"CONTENT_LENGTH": "0", "CONTENT_TYPE": "a/b", "REQUEST_METHOD": "POST",
		"PATH_TRANSLATED": "/given", "PATH_INFO": "/i"}))
	assert.Contains(t, env, "CONTENT_LENGTH=0", "an empty body is a body")
	assert.Contains(t, env, "CONTENT_TYPE=a/b")
	assert.Contains(t, env, "PATH_TRANSLATED=/given")
	env = s.build(nil, variables(map[string]string{"DOCUMENT_ROOT": "/var/www", "PATH_TRANSLATED": "/var/www/a.cgi/i", "PATH_INFO": "/a.cgi/i"}))
	assert.Contains(t, env, "PATH_TRANSLATED=/var/www/i", "of what is PATH_INFO here")
	env = s.build(nil, variables(map[string]string{"REQUEST_METHOD": "GET", "REDIRECT_STATUS": "404"}))
	assert.Contains(t, env, "REDIRECT_STATUS=404", "the web server's own")
	assert.NotContains(t, env, "REDIRECT_STATUS=200")
	assert.Empty(t, translated("/var/www", "/../../etc"))
	assert.Empty(t, translated("/var/www", ""))
	assert.Empty(t, translated("", "/x"))
}

func TestIndexWords(t *testing.T) {
	for query, want := range map[string][]string{
		"":                nil,
		"a=b":             nil,
		"one":             {"one"},
		"one+two%20words": {"one", "two words"},
		"%3Da+%2B":        {"=a", "+"},
		"%zz":             nil,
		"%4":              nil,
		"%":               nil,
		"%00":             nil,
		"%+1":             nil,
	} {
		assert.Equal(t, want, indexWords(variables(map[string]string{"REQUEST_METHOD": "GET", "QUERY_STRING": query})), query)
	}
	assert.Nil(t, indexWords(variables(map[string]string{"REQUEST_METHOD": "POST", "QUERY_STRING": "one"})))
}
