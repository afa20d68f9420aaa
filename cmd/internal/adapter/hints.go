package adapter

// PassedOver is the reason why a virtual environment is not used, with the flag that overrides it.
// Python is the path of its Python, "" if it has none.
func PassedOver(reason, python string) string {
	if python == "" {
		return reason
	}
	return reason + "; --python " + python + " uses it"
}

// TargetHint names the flag that allows symbolic links from a tree of CGI programs to a directory.
func TargetHint(dir string) string { return "--cgi-target " + dir + " allows it" }
