# A bridge with DHCP, DNS and NAT, on which ten forks have addresses of their own.
resource "kvm_network" "lan" {
  name = "lan"
  cidr = "10.80.0.0/24"
}

resource "kvm_image" "debian" {
  name   = "debian-12"
  source = "https://images.example.com/debian-12-amd64.qcow2"
}

resource "kvm_instance" "base" {
  name       = "base"
  image      = kvm_image.debian.id
  memory_mib = 2048

  network_interfaces = { lan = { type = "bridge", network = kvm_network.lan.id } }
  ready              = { check = "console", pattern = "login:" }
}

# Each gets a network card of its own before it talks.
resource "kvm_instance" "web" {
  count = 10

  name    = "web-${count.index}"
  fork_of = kvm_instance.base.id
}
