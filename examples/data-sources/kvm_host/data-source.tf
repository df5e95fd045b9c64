data "kvm_host" "lab" {
  host = "lab"

  lifecycle {
    postcondition {
      condition     = self.accelerator_works
      error_message = self.accelerator_problem
    }
  }
}

output "free_gib" {
  value = floor(data.kvm_host.lab.data_dir_free_bytes / pow(1024, 3))
}
