package cgi

import (
	"encoding/binary"
	"os"
	"strconv"
	"strings"
)

// debug/elf isn't used, because it imports packages for debugging information, which would make every
// start of the adapter slower.

// elfFile has the parts of an ELF header (elf(5)) that explain why a program can't be executed.
type elfFile struct {
	machine string // the architecture
	loader  string // the dynamic linker (PT_INTERP), "": none
}

// machineOf names the architectures of Linux. A map would be filled at every start.
func machineOf(number uint16) string {
	switch number { // EM_...
	case 3:
		return "386"
	case 8:
		return "MIPS"
	case 20:
		return "PPC"
	case 21:
		return "PPC64"
	case 22:
		return "S390"
	case 40:
		return "ARM"
	case 62:
		return "X86_64"
	case 183:
		return "AARCH64"
	case 243:
		return "RISCV"
	case 258:
		return "LOONGARCH"
	}
	return "machine " + strconv.Itoa(int(number))
}

// readELF returns nil for a file in another format.
func readELF(file string) *elfFile {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	head := make([]byte, 64) // sizeof(Elf64_Ehdr)
	if n, _ := f.Read(head); n < 52 || string(head[:4]) != "\x7fELF" {
		return nil
	}
	var order binary.ByteOrder = binary.LittleEndian
	if head[5] == 2 { // ELFDATA2MSB
		order = binary.BigEndian
	}
	p := &elfFile{machine: machineOf(order.Uint16(head[18:]))}
	wide := head[4] == 2 // ELFCLASS64
	word := func(b []byte) int64 {
		if wide {
			return int64(order.Uint64(b))
		}
		return int64(order.Uint32(b))
	}
	at, size, count := 28, 42, 44 // e_phoff, e_phentsize, e_phnum
	offset, length := 4, 16       // p_offset, p_filesz
	if wide {
		at, size, count, offset, length = 32, 54, 56, 8, 32
	}
	table, entry := word(head[at:]), make([]byte, 56) // sizeof(Elf64_Phdr)
	for i := range int64(order.Uint16(head[count:])) {
		n, _ := f.ReadAt(entry, table+i*int64(order.Uint16(head[size:])))
		if n < 32 {
			break
		}
		if order.Uint32(entry) == 3 { // PT_INTERP
			name := make([]byte, min(uint64(word(entry[length:])), 4096)) // PATH_MAX
			n, _ = f.ReadAt(name, word(entry[offset:]))
			p.loader = strings.TrimRight(string(name[:n]), "\x00")
		}
	}
	return p
}
