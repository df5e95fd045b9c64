package qemu

import "testing"

func TestCheck_RefusesFirmwareThatNoMachineCanHave(t *testing.T) {
	for u, want := range map[UEFI]bool{
		{3653632, 540672}:            true, // OVMF_CODE_4M.fd
		{1966080, 131072}:            true, // OVMF_CODE.fd
		{0, 540672}:                  false,
		{3653632, 0}:                 false,
		{3653632, 540673}:            false,
		{-4096, 4096}:                false,
		{8 << 20, 4096}:              false,
		{1<<63 - 4096, 1<<63 - 4096}: false,
	} {
		m := machine()
		m.Firmware = &u
		if err := m.Check(); (err == nil) != want {
			t.Errorf("%+v: %v", u, err)
		}
	}
}
