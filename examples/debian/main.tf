# Debian's own cloud image is booted once, with a user of yours, and snapshotted
# while it runs; ten more machines are forked from the snapshot, each with a name,
# keys and an address of its own.

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

# With a login that is root the machines have a network, and addresses there.
resource "kvm_network" "lan" {
  count = var.network ? 1 : 0

  name = "lan"
}

# The machine that all others come from. At the first boot cloud-init makes the user
# and installs the agent, which Debian's image does not have, and by which a fork is
# told who it is. The machine counts as created when cloud-init has done its work:
# what it has not done by then, every fork would.
resource "kvm_instance" "base" {
  name        = "debian"
  image       = kvm_image.debian.id
  vcpus       = 2
  memory_mib  = 1024
  disk_gib    = 8
  guest_agent = true

  cloud_init = {
    user_data = "#cloud-config\n${yamlencode({
      users = [{
        name                = var.user
        shell               = "/bin/bash"
        sudo                = "ALL=(ALL) NOPASSWD:ALL"
        ssh_authorized_keys = [trimspace(file(pathexpand(var.public_key_file)))]
      }]
      packages = var.packages
      runcmd   = [["systemctl", "enable", "--now", "qemu-guest-agent"]]
    })}"

    # By name, for a fork's network card has another MAC address.
    network_config = yamlencode({ version = 2, ethernets = { all = { match = { name = "e*" }, dhcp4 = true } } })
  }

  network_interfaces = {
    lan = {
      type    = var.network ? "bridge" : "user"
      network = one(kvm_network.lan[*].id)
      forward = var.network ? null : { ssh = { guest_port = 22 } } # to a port that the host chooses
    }
  }

  ready = { check = "console", pattern = "Cloud-init v.* finished at", timeout = "15m" }
}

# Taken live: the base stands still for some tens of milliseconds.
resource "kvm_snapshot" "golden" {
  name     = "golden"
  instance = kvm_instance.base.id
}

# Each fork goes on where the base stood at the snapshot, and is told by its agent
# that it is another one: host name, machine ID, SSH host keys.
resource "kvm_instance" "fork" {
  for_each = var.forks

  name    = "debian-${each.key}"
  fork_of = kvm_snapshot.golden.id
  ready   = { check = "agent" }
}
