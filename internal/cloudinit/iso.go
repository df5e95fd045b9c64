package cloudinit

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// The image is written here, since the libraries that there are put the time of
// the day into it, and mangle or reorder names. It is the least that ECMA-119
// (ISO 9660), level 1, wants, with one directory, and of the Rock Ridge
// Interchange Protocol (RRIP 1.09, with SUSP 1.09) what Linux needs to show a
// file under its name: SP, ER, PX and NM.

const (
	sector = 2048 // ECMA-119, 6.1.2

	// Where things are, in sectors; the first sixteen are not looked at (6.2.1).
	descriptorAt = 16
	terminatorAt = 17
	pathsLittle  = 18
	pathsBig     = 19
	rootAt       = 20
	filesAt      = 21
)

// A file is one of the root directory. They are in the order of their
// identifiers (9.3).
type file struct{ name, content string }

// identifier is a file's name as level 1 allows it (7.5): one of 8.3.
func (f file) identifier() string {
	upper := strings.ReplaceAll(strings.ToUpper(f.name), "-", "_")
	return upper[:min(len(upper), 8)] + ".;1"
}

// image is a volume of these files; an error if they are too large for it.
func image(files []file) ([]byte, error) {
	b := make([]byte, Size)
	root := b[rootAt*sector:][:0]
	root = append(root, record("\x00", rootAt, sector, directory, slices.Concat(sharing, attributes(directory), extension))...)
	root = append(root, record("\x01", rootAt, sector, directory, attributes(directory))...)
	at := filesAt
	for _, f := range files {
		root = append(root, record(f.identifier(), at, len(f.content), regular, slices.Concat(attributes(regular), name(f.name)))...)
		if len(f.content) > Size-at*sector {
			return nil, fmt.Errorf("a seed has at most %d KiB", Size>>10)
		}
		copy(b[at*sector:], f.content)
		at += (len(f.content) + sector - 1) / sector
	}
	copy(b[descriptorAt*sector:], descriptor())
	copy(b[terminatorAt*sector:], "\xffCD001\x01") // 8.3
	copy(b[pathsLittle*sector:], paths(binary.LittleEndian))
	copy(b[pathsBig*sector:], paths(binary.BigEndian))
	return b, nil
}

// descriptor is the primary volume descriptor (8.4).
func descriptor() []byte {
	d := make([]byte, sector)
	copy(d, "\x01CD001\x01")
	fill(d[8:40], "")        // system
	fill(d[40:72], "cidata") // volume
	copy(d[80:], both32(Size/sector))
	copy(d[120:], both16(1)) // volumes in the set
	copy(d[124:], both16(1)) // this one's number
	copy(d[128:], both16(sector))
	copy(d[132:], both32(len(paths(binary.LittleEndian))))
	binary.LittleEndian.PutUint32(d[140:], pathsLittle)
	binary.BigEndian.PutUint32(d[148:], pathsBig)
	copy(d[156:190], record("\x00", rootAt, sector, directory, nil))
	fill(d[190:813], "")         // who made it, and files that say so
	for i := 813; i < 881; i++ { // four times, none of them given (8.4.26.1)
		if d[i] = '0'; (i-813)%17 == 16 {
			d[i] = 0
		}
	}
	d[881] = 1 // version of the structure
	return d
}

// paths is the path table of a volume with no directory but the root (9.4).
func paths(order binary.AppendByteOrder) []byte {
	t := order.AppendUint32([]byte{1, 0}, rootAt)
	return append(order.AppendUint16(t, 1), 0, 0)
}

// What a directory record is of: its flags (9.1.6), and its mode and links as
// POSIX has them, for the guest's root alone.
type kind struct {
	flags byte
	mode  int
	links int
}

var (
	directory = kind{2, 0o040500, 2}
	regular   = kind{0, 0o100400, 1}
)

// epoch is the time of every record (9.1.5), 1970-01-01 00:00:00 UTC.
var epoch = []byte{70, 1, 1, 0, 0, 0, 0}

// record is a directory record (9.1), with what follows it for Rock Ridge.
func record(identifier string, at, size int, k kind, use []byte) []byte {
	r := make([]byte, 2, 64)
	r = append(r, both32(at)...)
	r = append(r, both32(size)...)
	r = append(r, epoch...)
	r = append(r, k.flags, 0, 0)
	r = append(r, both16(1)...)
	r = append(r, byte(len(identifier))) // #nosec G115 -- of 8.3
	r = append(r, identifier...)
	r = padded(append(padded(r), use...))
	r[0] = byte(len(r)) // #nosec G115 -- at most 95, of the root
	return r
}

func padded(r []byte) []byte {
	if len(r)%2 == 1 {
		r = append(r, 0)
	}
	return r
}

var (
	sharing   = entry("SP", 0xbe, 0xef, 0)                                   // SUSP, 5.3
	extension = entry("ER", append([]byte{10, 0, 0, 1}, "RRIP_1991A"...)...) // SUSP, 5.5
)

// attributes say mode, links and owner (RRIP, 4.1.1).
func attributes(k kind) []byte {
	return entry("PX", slices.Concat(both32(k.mode), both32(k.links), both32(0), both32(0))...)
}

// name is the name that is shown (RRIP, 4.1.4).
func name(text string) []byte { return entry("NM", append([]byte{0}, text...)...) }

// entry is a field of the System Use Sharing Protocol (SUSP, 4.1).
func entry(signature string, data ...byte) []byte {
	return append([]byte{signature[0], signature[1], byte(4 + len(data)), 1}, data...) // #nosec G115 -- at most 40
}

// both16 and both32 are a number in both orders of bytes (7.2.3, 7.3.3).
func both16(n int) []byte {
	return binary.BigEndian.AppendUint16(binary.LittleEndian.AppendUint16(nil, uint16(n)), uint16(n)) // #nosec G115 -- a constant
}

func both32(n int) []byte {
	return binary.BigEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, uint32(n)), uint32(n)) // #nosec G115 -- within Size
}

func fill(field []byte, text string) { copy(field, fmt.Sprintf("%-*s", len(field), text)) }
