package syntax

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

const unit = `# x.service: of a test.
# A second line.
[Unit]
Description=x 100%%

[Service]
# In two lines
# of comment.
Restart=on-failure
RestartSec=1s
Environment="A=b c"
Environment=B=$x
ExecStart=/bin/x $$HOME "a b"
`

func TestUnit(t *testing.T) {
	u := New("x.service: of a test.")
	u.Comment("A second line. \\")
	u.Section("Unit").Value("Description", "x 100%")
	s := u.Section("Service")
	s.Because("In two lines\nof comment.", "Restart=on-failure", "RestartSec=1s")
	s.Word("Environment", "A=b c")
	s.Word("Environment", "B=$x")
	s.Command("ExecStart", []string{"/bin/x", "$HOME", "a b"})
	assert.Equal(t, unit, u.String())
	assert.Equal(t, unit, Parse(unit).String(), "it is read as it was written")

	u = Parse(unit)
	u.Section("Service").Set("Restart", "no")
	u.Section("Service").Set("Environment", "C=d")
	u.Section("Service").Set("Nice", "5")
	assert.Equal(t, `# x.service: of a test.
# A second line.
[Unit]
Description=x 100%%

[Service]
Restart=no
RestartSec=1s
Environment="A=b c"
Environment=C=d
ExecStart=/bin/x $$HOME "a b"
Nice=5
`, u.String())
}
