# Debian's own cloud image is booted once, with a user of yours, and snapshotted
# while it runs; three more machines are forked from the snapshot and answer SSH
# a moment later.

terraform {
  required_providers {
    kvm = { source = "seed-a7bafb14/kvm" }
  }
}

# The host is that of the environment variables KVM_HOST_ADDRESS and so on.
provider "kvm" {}

resource "kvm_image" "debian" {
  name   = "debian-12"
  source = var.image
}

# The machine that all others come from. cloud-init makes the user at the first
# boot, and the machine counts as created when its SSH server answers.
resource "kvm_instance" "base" {
  name       = "debian"
  image      = kvm_image.debian.id
  vcpus      = 2
  memory_mib = 1024
  disk_gib   = 8

  cloud_init = {
    user_data = "#cloud-config\n${yamlencode({
      users = [{
        name                = var.user
        shell               = "/bin/bash"
        sudo                = "ALL=(ALL) NOPASSWD:ALL"
        ssh_authorized_keys = [trimspace(file(pathexpand(var.public_key_file)))]
      }]
    })}"
  }

  network_interfaces = {
    lan = { forward = { ssh = { guest_port = 22 } } } # to a port that the host chooses
  }

  ready = { check = "ssh", port = 22, timeout = "5m" }

  timeouts = { create = "15m" } # the image is uploaded before
}

# Taken live: the base stands still for some tens of milliseconds.
resource "kvm_snapshot" "golden" {
  name     = "golden"
  instance = kvm_instance.base.id
}

# Each fork goes on where the base stood at the snapshot, with host ports of its own.
resource "kvm_instance" "fork" {
  for_each = var.forks

  name    = "debian-${each.key}"
  fork_of = kvm_snapshot.golden.id
  ready   = { check = "ssh", port = 22 }
}
