package host_test

import (
	"context"
	"os"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

func TestFacts_OfAFreshHostAreThereAndMakeNothing(t *testing.T) {
	l := newLab(t, testhost.Options{})
	facts, err := l.Facts(context.Background())
	must(t, err)
	if !facts.AcceleratorWorks || facts.QEMUVersion == "" || facts.CPUs == 0 || facts.MemoryTotalMiB == 0 || facts.DataDirFreeBytes == 0 {
		t.Errorf("%+v", facts)
	}
	if made, err := os.ReadDir(l.path()); err != nil || len(made) > 0 {
		t.Errorf("they made %v, %v", made, err)
	}
}
