package adapter

// PassedOver is why a virtual environment is not used, with the flag that has its Python used all
// the same, if it has one.
func PassedOver(reason, python string) string {
	if python == "" {
		return reason
	}
	return reason + "; --python " + python + " uses it"
}

// TargetHint is the flag that allows symbolic links of a tree of CGI programs into a directory.
func TargetHint(dir string) string { return "--cgi-target " + dir + " allows it" }
