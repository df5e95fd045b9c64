# One virtual machine is booted and snapshotted while it runs; five more are
# forked from the snapshot, memory and disk, in a fraction of a second each.

terraform {
  required_providers {
    kvm = { source = "seed-a7bafb14/kvm" }
  }
}

# The host is that of the environment variables KVM_HOST_ADDRESS and so on.
provider "kvm" {}

# Kernel, initial RAM disk and disk, uploaded to the host and verified there.
resource "kvm_image" "boot" {
  for_each = { kernel = var.kernel, initrd = var.initrd, disk = var.disk }

  name   = each.key
  source = each.value
}

# The machine that all others come from. It counts as created when it answers.
resource "kvm_instance" "base" {
  name       = "base"
  image      = kvm_image.boot["disk"].id
  memory_mib = var.memory_mib

  kernel = {
    image        = kvm_image.boot["kernel"].id
    initrd       = kvm_image.boot["initrd"].id
    command_line = var.command_line
  }

  network_interfaces = {
    lan = { forward = { http = { guest_port = 80 } } } # to a port that the host chooses
  }

  ready = { check = "http", port = 80 }
}

# Taken live: the base stands still for some tens of milliseconds.
resource "kvm_snapshot" "golden" {
  name     = "golden"
  instance = kvm_instance.base.id
}

# Each fork goes on where the base stood at the snapshot, with the base's CPUs,
# memory, disk and network, and with host ports of its own.
resource "kvm_instance" "web" {
  for_each = var.forks

  name    = "web-${each.key}"
  fork_of = kvm_snapshot.golden.id
  ready   = { check = "http", port = 80 }
}
