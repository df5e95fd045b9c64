package host_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStableModel_SeesWhatALossOfPowerLeaves has the model follow short traces
// of a directory /d in which somebody replaces a file.
func TestStableModel_SeesWhatALossOfPowerLeaves(t *testing.T) {
	const (
		write  = `1 write(1</d/a.tmp>, ""..., 2) = 2`
		sync   = `2 fsync(3</d/a.tmp>) = 0`
		rename = `3 renameat2(AT_FDCWD</d>, "a.tmp", AT_FDCWD</d>, "a", 0) = 0`
		dir    = `4 fsync(3</d>) = 0`
	)
	for name, c := range map[string]struct {
		trace []string
		want  string
	}{
		"all synced":                {[]string{write, sync, rename, dir}, ""},
		"contents not synced":       {[]string{write, rename, dir}, "before what was written"},
		"written again":             {[]string{write, sync, write, rename, dir}, "before what was written"},
		"the sync failed":           {[]string{write, strings.Replace(sync, "= 0", "= -1 EIO (Input/output error)", 1), rename, dir}, "before what was written"},
		"synced too late":           {[]string{write, rename, sync, dir}, "before what was written"},
		"all is synced":             {[]string{write, `2 sync() = 0`, rename, dir}, ""},
		"rename not synced":         {[]string{write, sync, rename}, "at the end"},
		"directory synced too soon": {[]string{write, sync, dir, rename}, "at the end"},
		"written during the sync": {[]string{
			`2 fsync(3</d/a.tmp> <unfinished ...>`, write, `2 <... fsync resumed>) = 0`, rename, dir}, "before what was written"},
		"a write that ends during the sync": {[]string{
			`1 write(1</d/a.tmp>, ""... <unfinished ...>`, `2 fsync(3</d/a.tmp> <unfinished ...>`, `1 <... write resumed>, 2) = 2`, `2 <... fsync resumed>) = 0`, rename, dir}, "before what was written"},
		"mapped": {[]string{
			`1 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3</d/a.tmp>, 0) = 0x7f0000000000`, sync, `1 +++ exited with 0 +++`, rename, dir}, "before what was written"},
		"mapped till the sync": {[]string{
			`1 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3</d/a.tmp>, 0) = 0x7f0000000000`, `1 +++ exited with 0 +++`, sync, rename, dir}, ""},
		"mapped to read":   {[]string{write, sync, `1 mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3</d/a.tmp>, 0) = 0x7f0000000000`, rename, dir}, ""},
		"removed":          {[]string{write, sync, rename, dir, `3 unlinkat(4</d>, "a", 0) = 0`}, "went"},
		"as a relative":    {[]string{`3 chdir("/d") = 0`, `3 mkdir("b", 0777) = 0`}, "the name b is not"},
		"in no clear way":  {[]string{`3 io_uring_enter(4<anon_inode:[io_uring]>, 1, 0, 0, NULL, 8) = 1`}, "does not show"},
		"by another of it": {[]string{write, `2 linkat(AT_FDCWD</d>, "a.tmp", 4</d>, "b", 0) = 0`, `2 fsync(3</d/b>) = 0`, rename, dir}, ""},
	} {
		m := newStableModel("/d")
		file := filepath.Join(t.TempDir(), "trace")
		must(t, os.WriteFile(file, []byte(strings.Join(append([]string{`1 openat(AT_FDCWD</d>, "a.tmp", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</d/a.tmp>`}, c.trace...), "\n")+"\n"), 0o600))
		trace, err := os.Open(file)
		must(t, err)
		r := &traceReader{file: trace, begun: map[int]traceCall{}, begins: m.begin}
		must(t, r.read(func(call traceCall) {
			if call.name == "openat" { // the file descriptor outlives no writer here
				defer m.exit(traceCall{thread: call.thread})
			}
			m.end(call)
		}))
		must(t, trace.Close())
		m.acknowledged()
		if got := strings.Join(m.violations, "\n"); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q; want %q", name, got, c.want)
		}
	}
}
