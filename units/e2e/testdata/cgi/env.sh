#!/bin/sh
# Shows what a CGI program is given, and says two lines to its log.
echo "a line for the log" >&2
echo "<3>and one that is an error" >&2
printf 'Content-Type: text/plain\nX-Args: %s\n\n' "$*"
echo "cwd $(pwd -P)"
# shellcheck disable=SC2046 # on one line
echo "files" $(ls /proc/self/fd) # the last is its own
echo "body $(sha256sum)" # reads to the end
env
