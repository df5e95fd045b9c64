# A disk image, from the web.
resource "kvm_image" "debian" {
  name     = "debian-12"
  source   = "https://images.example.com/debian-12-amd64.qcow2"
  checksum = "sha256:3c6a8c9d1f52a7c4be1b0d2f6e8d9a70415263748596a7b8c9daebfc0d1e2f30"
}

# Files of the machine that runs Terraform: a kernel and its initial RAM disk.
resource "kvm_image" "boot" {
  for_each = {
    vmlinuz = "build/vmlinuz"
    initrd  = "build/initrd.img"
  }

  name     = each.key
  source   = each.value
  checksum = "sha256:${filesha256(each.value)}" # so that a changed file is noticed
}
