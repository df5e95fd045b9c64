# Prints the names of the machine types and of the CPU models that QEMU has. $1 is
# QEMU. Before QEMU 9.1 each line of its CPUs begins with x86; below them are the
# names of their flags.
command -v "$1" >/dev/null || fail $UNFIT "$1 is missing (Debian: apt-get install qemu-system-x86)"
"$1" -machine help | sed -n 's/^\([^ ]*\) .*/machine \1/p'
"$1" -cpu help | sed -n '/^Recognized/q; s/^\(x86\)\{0,1\}  *\([^ ]*\).*/cpu \2/p'
