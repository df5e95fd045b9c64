data "kvm_host" "lab" {
  host = "lab"

  lifecycle {
    postcondition {
      condition     = self.accelerator_works
      error_message = self.accelerator_problem
    }
    postcondition {
      condition     = self.data_dir_free_bytes >= pow(1024, 3)
      error_message = "Less than 1 GiB is free in ${self.data_dir}."
    }
  }
}

output "qemu_version" {
  value = data.kvm_host.lab.qemu_version
}
