resource "kvm_image" "debian" {
  name   = "debian-12"
  source = "https://images.example.com/debian-12-amd64.qcow2"
}

resource "kvm_instance" "base" {
  name       = "base"
  image      = kvm_image.debian.id
  memory_mib = 2048

  network_interfaces = { lan = { forward = { ssh = { guest_port = 22 } } } }
  ready              = { check = "ssh", port = 22 }
}

# Taken once the instance is ready. The instance goes on.
resource "kvm_snapshot" "golden" {
  name     = "golden"
  instance = kvm_instance.base.id
  labels   = { role = "golden" }
}
