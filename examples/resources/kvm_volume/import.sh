# By id, HOST/volumes/NAME, or, on the default host, by name.
terraform import kvm_volume.data lab/volumes/data
