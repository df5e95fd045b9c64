# By id, HOST/images/NAME, or, on the default host, by name.
terraform import kvm_image.debian lab/images/debian-12
