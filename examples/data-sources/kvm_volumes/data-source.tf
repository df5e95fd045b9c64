data "kvm_volumes" "all" {}

# Those that no instance has.
output "unattached" {
  value = [for v in data.kvm_volumes.all.volumes : v.name if v.instance == null]
}
