package ssh

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
)

// setup is what every shell runs before its first script: files are private,
// and messages and number formats are those the callers know how to read.
const setup = "umask 077\nLC_ALL=C\nexport LC_ALL\n"

// A frame is a script as a shell reads it, and the markers that tell what the
// script prints from what comes before and after it.
type frame struct {
	text       string
	begin, end string
}

// newFrame writes a frame. The id must be one that no output can contain by
// accident. With ownStdin the script reads what follows the frame in the
// shell's standard input; otherwise it has none.
//
// The frame is a single compound command, so a shell that was sent only a part
// of it runs nothing of it. The text goes through eval, so that a script that
// does not parse ends the subshell, with status 2, and not the shell.
func newFrame(id, preamble string, script Script, ownStdin bool) frame {
	f := frame{begin: id + ".begin", end: id + ".end"}
	var b strings.Builder
	b.WriteString(preamble)
	fmt.Fprintf(&b, "{ echo %s; echo %s >&2\n(set --", f.begin, f.begin)
	for _, arg := range script.Args {
		b.WriteString(" " + Quote(arg))
	}
	fmt.Fprintf(&b, "\neval %s\n)", Quote(script.Text))
	if !ownStdin {
		b.WriteString(" </dev/null")
	}
	// The first echo takes the subshell's status before the second spoils it.
	fmt.Fprintf(&b, "\necho %s $?; echo %s >&2; }\n", f.end, f.end)
	f.text = b.String()
	return f
}

// readTo returns what stands before a marker, to the byte, and what follows
// the marker on its line. On an error it returns what there was instead.
func readTo(r *bufio.Reader, marker string) (before []byte, rest string, err error) {
	for {
		line, err := r.ReadBytes('\n')
		// A text that does not end its last line has the marker on that line.
		if i := bytes.LastIndex(line, []byte(marker)); i >= 0 && err == nil {
			before = append(before, line[:i]...)
			return before, string(line[i+len(marker) : len(line)-1]), nil
		}
		before = append(before, line...)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return before, "", err
		}
	}
}
