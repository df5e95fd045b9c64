variable "host" { type = map(string) }
variable "guest" { type = map(string) }
variable "command_line" { type = string }
variable "forks" { type = number }

provider "kvm" {
  hosts = {
    lab = {
      address          = var.host.address
      port             = var.host.port
      user             = var.host.user
      private_key      = file(var.host.private_key_file)
      known_hosts_file = var.host.known_hosts_file
      data_dir         = var.host.data_dir
      accelerator      = "tcg"
    }
  }
}

resource "kvm_image" "kernel" {
  name   = "vmlinuz"
  source = var.guest.kernel
}

resource "kvm_image" "initrd" {
  name   = "initrd"
  source = var.guest.initrd
}

resource "kvm_image" "disk" {
  name     = "disk"
  source   = var.guest.disk
  checksum = "sha256:${filesha256(var.guest.disk)}"
}

resource "kvm_instance" "base" {
  name       = "base"
  image      = kvm_image.disk.id
  kernel     = { image = kvm_image.kernel.id, initrd = kvm_image.initrd.id, command_line = var.command_line }
  memory_mib = 128
  network_interfaces = {
    lan = {
      forward = {
        http = { guest_port = 80 }
        ssh  = { guest_port = 22 }
      }
    }
  }
  ready = { check = "ssh", port = 22, timeout = "2m" }
}

resource "kvm_snapshot" "golden" {
  name     = "golden"
  instance = kvm_instance.base.id
}

resource "kvm_instance" "fork" {
  count   = var.forks
  name    = "fork-${count.index}"
  fork_of = kvm_snapshot.golden.id
  ready   = { check = "http", port = 80 }
}

output "ports" {
  value = kvm_instance.fork[*].network_interfaces.lan.forward.http.host_port
}
