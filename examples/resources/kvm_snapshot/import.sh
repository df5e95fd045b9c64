# By id, HOST/snapshots/NAME, or, on the default host, by name.
terraform import kvm_snapshot.golden lab/snapshots/golden
