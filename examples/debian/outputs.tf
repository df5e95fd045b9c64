output "base_port" {
  description = "Port on the host where the base answers SSH."
  value       = kvm_instance.base.network_interfaces.lan.forward.ssh.host_port
}

output "fork_ports" {
  description = "Port on the host where each fork answers SSH, by the fork's name."
  value       = { for fork in kvm_instance.fork : fork.name => fork.network_interfaces.lan.forward.ssh.host_port }
}
