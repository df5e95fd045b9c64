resource "kvm_image" "debian" {
  name   = "debian-12"
  source = "https://images.example.com/debian-12-amd64.qcow2"
}

resource "kvm_instance" "base" {
  name       = "base"
  image      = kvm_image.debian.id
  vcpus      = 2
  memory_mib = 2048
  disk_gib   = 20

  network_interfaces = {
    lan = {
      forward = {
        ssh = { guest_port = 22 } # on a host port that is chosen once
        web = { guest_port = 80, host_port = 8080, host_address = "0.0.0.0" }
      }
    }
  }

  ready = { check = "ssh", port = 22, timeout = "2m" }

  labels = { role = "golden" }
}

output "ssh_port" {
  value = kvm_instance.base.network_interfaces["lan"].forward["ssh"].host_port
}
