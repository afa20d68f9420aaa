package cgi

import (
	"encoding/binary"
	"os"
	"strconv"
	"strings"
)

// debug/elf would do this. It comes with packages for what a program is debugged
// by, which every start of the adapter would pay for.

// elfFile is what elf(5) has to say about why a program can't be executed.
type elfFile struct {
	machine string // what it is for
	loader  string // what the kernel loads with it (PT_INTERP), "": nothing
}

// elfMachines are the machines (EM_...) that Linux runs on.
var elfMachines = map[uint16]string{3: "386", 8: "MIPS", 20: "PPC", 21: "PPC64", 22: "S390", 40: "ARM",
	62: "X86_64", 183: "AARCH64", 243: "RISCV", 258: "LOONGARCH"}

// readELF returns nil for what is no program.
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
	p := &elfFile{}
	number := order.Uint16(head[18:])
	if p.machine = elfMachines[number]; p.machine == "" {
		p.machine = "machine " + strconv.Itoa(int(number))
	}
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
