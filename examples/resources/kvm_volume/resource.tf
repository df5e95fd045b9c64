resource "kvm_image" "debian" {
  name   = "debian-12"
  source = "https://images.example.com/debian-12-amd64.qcow2"
}

resource "kvm_volume" "data" {
  name     = "data"
  size_gib = 20
}

# In the guest the disks are /dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_data and
# …_scratch. The first is a volume, with a life of its own; the second belongs to
# the instance, and so to its snapshots and forks. Both may begin with an image.
resource "kvm_instance" "db" {
  name       = "db"
  image      = kvm_image.debian.id
  memory_mib = 2048

  disks = {
    data    = { volume = kvm_volume.data.id }
    scratch = { size_gib = 10 }
  }
}
