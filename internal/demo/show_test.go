package main

import "testing"

const plan = `kvm_image.boot["disk"]: Refreshing state... [id=default/images/disk]

Terraform used the selected providers to generate the following execution
plan. Resource actions are indicated with the following symbols:
  ~ update in-place

Terraform will perform the following actions:

  # kvm_instance.web["c"] will be updated in-place
  ~ resource "kvm_instance" "web" {
      ~ state = "stopped" -> "running"
        # (14 unchanged attributes hidden)
    }

Plan: 0 to add, 1 to change, 0 to destroy.
`

func TestPlan_IsShortenedToWhatChanges(t *testing.T) {
	want := `  # kvm_instance.web["c"] will be updated in-place
  ~ resource "kvm_instance" "web" {
      ~ state = "stopped" -> "running"
    }
`
	if got := actions(plan); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := firstWith(plan, "Plan: "), "Plan: 0 to add, 1 to change, 0 to destroy."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
