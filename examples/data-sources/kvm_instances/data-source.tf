data "kvm_instances" "web" {
  labels = { role = "web" }
}

output "running" {
  value = [for i in data.kvm_instances.web.instances : i.name if i.state == "running"]
}
