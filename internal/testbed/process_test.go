package testbed

import "testing"

func TestParseMemory(t *testing.T) {
	text := `55d0c0a00000-7ffd3a5f2000 ---p 00000000 00:00 0                          [rollup]
Rss:               90000 kB
Pss:               52000 kB
Pss_Anon:          40000 kB
Shared_Clean:      45000 kB
`
	if got, err := parseMemory(text); err != nil || got != (Memory{90000 << 10, 52000 << 10}) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := parseMemory("Rss: 1 kB\n"); err == nil {
		t.Errorf("without Pss: got %v", got)
	}
}
