data "kvm_console" "web" {
  instance = "lab/instances/web"
  lines    = 20
}

output "console" {
  value = data.kvm_console.web.output
}
