output "base_port" {
  description = "Port on the host where the base answers HTTP."
  value       = kvm_instance.base.network_interfaces.lan.forward.http.host_port
}

output "fork_ports" {
  description = "Port on the host where each fork answers HTTP, by the fork's name."
  value       = { for fork in kvm_instance.web : fork.name => fork.network_interfaces.lan.forward.http.host_port }
}
