# A kernel that is booted directly, without a disk, and saved when it is up.
resource "kvm_image" "vmlinuz" {
  name   = "vmlinuz"
  source = "build/vmlinuz"
}

resource "kvm_image" "initrd" {
  name   = "initrd"
  source = "build/initrd.img"
}

resource "kvm_instance" "worker" {
  name = "worker"
  kernel = {
    image        = kvm_image.vmlinuz.id
    initrd       = kvm_image.initrd.id
    command_line = "console=ttyS0"
  }
  state = "standby"
  ready = { check = "console", pattern = "worker is ready" }
}
