data "kvm_snapshots" "golden" {
  labels = { role = "golden" }
}

# Fork the newest.
resource "kvm_instance" "web" {
  name    = "web"
  fork_of = data.kvm_snapshots.golden.snapshots[0].id
}
