# Forks of a running instance: each starts where the snapshot was taken, memory
# and disk, with the forwards of its source on host ports of its own.
resource "kvm_snapshot" "golden" {
  name     = "golden"
  instance = kvm_instance.base.id
}

resource "kvm_instance" "web" {
  for_each = toset(["a", "b", "c"])

  name    = "web-${each.key}"
  fork_of = kvm_snapshot.golden.id
  ready   = { check = "http", port = 80, path = "/health" }
}
