package cgi

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestELF reads programs as debug/elf does: those that are here, and one that is
// as different from them as can be.
func TestELF(t *testing.T) {
	foreign := filepath.Join(t.TempDir(), "foreign")
	var b bytes.Buffer
	loader := "/lib/ld.so.1\x00"
	_ = binary.Write(&b, binary.BigEndian, elf.Header32{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS32), byte(elf.ELFDATA2MSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_PPC), Version: uint32(elf.EV_CURRENT), Phoff: 52, Ehsize: 52, Phentsize: 32, Phnum: 1})
	_ = binary.Write(&b, binary.BigEndian, elf.Prog32{Type: uint32(elf.PT_INTERP), Off: 52 + 32, Filesz: uint32(len(loader))})
	b.WriteString(loader)
	require.NoError(t, os.WriteFile(foreign, b.Bytes(), 0o644))

	for _, file := range []string{"/bin/sh", os.Args[0], foreign} {
		want, err := elf.Open(file)
		require.NoError(t, err, file)
		defer want.Close()
		interpreter := ""
		for _, p := range want.Progs {
			if p.Type == elf.PT_INTERP {
				name, err := io.ReadAll(p.Open())
				require.NoError(t, err)
				interpreter = strings.TrimRight(string(name), "\x00")
			}
		}
		assert.Equal(t, &elfFile{strings.TrimPrefix(want.Machine.String(), "EM_"), interpreter}, readELF(file), file)
	}
	assert.Nil(t, readELF("elf_test.go"))
	for n := range b.Len() { // cut anywhere: no panic
		require.NoError(t, os.WriteFile(foreign, b.Bytes()[:n], 0o644))
		readELF(foreign)
	}
}
