# Says what a host is and whether it is fit. $1 data directory, $2 QEMU, $3
# accelerator, $4 the CPU model that instances have under it, $5 yes to try that,
# which boots something, $6 the user whom QEMU becomes, or nothing. Prints lines of
# a key and a value.
for command in flock setsid stat ln sync sha256sum find mkfifo truncate base64; do
	command -v "$command" >/dev/null || fail $UNFIT "the command $command is missing (Debian: apt-get install coreutils findutils util-linux)"
done
command -v "$2" >/dev/null || fail $UNFIT "$2 is missing (Debian: apt-get install qemu-system-x86)"
command -v qemu-img >/dev/null || fail $UNFIT "qemu-img is missing (Debian: apt-get install qemu-utils)"
[ -z "$6" ] || may_become "$6"
visit "$1"
if [ -d ports ]; then
	[ -w instances ]
else
	mkdir .tmp-$$ && rmdir .tmp-$$
fi 2>/dev/null || fail $UNFIT "the data directory $1 is not writable by $(id -un)"

"$2" --version | sed -n 's/.*version \([0-9.]*\).*/version \1/p'
"$2" -machine help | sed -n 's/^q35 .*(alias of \(.*\))$/machine \1/p'
# UEFI firmware, without Secure Boot, which needs more than a guest has here: of
# Debian, Ubuntu and Alpine, Fedora, Arch, openSUSE, Gentoo, and QEMU itself.
for pair in OVMF/OVMF_CODE_4M.fd:OVMF_VARS_4M.fd OVMF/OVMF_CODE.fd:OVMF_VARS.fd edk2/ovmf/OVMF_CODE.fd:OVMF_VARS.fd \
	edk2/x64/OVMF_CODE.4m.fd:OVMF_VARS.4m.fd edk2-ovmf/x64/OVMF_CODE.fd:OVMF_VARS.fd \
	qemu/ovmf-x86_64-4m-code.bin:ovmf-x86_64-4m-vars.bin qemu/ovmf-x86_64-code.bin:ovmf-x86_64-vars.bin \
	edk2-ovmf/OVMF_CODE.fd:OVMF_VARS.fd qemu/edk2-x86_64-code.fd:edk2-i386-vars.fd; do
	code=/usr/share/${pair%:*}
	variables=${code%/*}/${pair#*:}
	[ -s "$code" ] && [ -s "$variables" ] || continue
	echo "firmware $(stat -L -c %s "$code" "$variables" | tr '\n' ' ')$code $variables"
	break
done
! command -v passt >/dev/null || echo 'passt yes'
[ "$5" = yes ] || exit 0

# Eight bytes at the reset vector that write to the debug-exit device: to open
# /dev/kvm proves nothing, a guest that ran does.
probe() {
	staged=.tmp-$$-probe
	[ ! -d instances ] || staged=instances/$staged
	trap 'rm -f "$staged"' EXIT
	rm -f "$staged"
	{ head -c 65520 /dev/zero && printf '\260\020\346\364\364\364\364\364' && head -c 8 /dev/zero; } >"$staged"
	said=$(timeout -k 1 5 "$1" -nodefaults -no-user-config -display none -machine q35 -accel "$2" -cpu "$3" -m 16M -bios "$staged" \
		-device isa-debug-exit,iobase=0xf4,iosize=1 2>&1 </dev/null)
	case $? in
	33) echo 'works yes' ;;
	124 | 137) echo "problem a guest under $2 does not run: it said nothing for 5 s" ;;
	*) printf 'problem %s\n' "$said" | head -n 1 ;;
	esac
}
probe "$2" "$3" "$4"
[ "$3" != kvm ] || [ -w /dev/kvm ] || echo "kvm $(ls -ld /dev/kvm 2>&1), user $(id -un), groups $(id -Gn)"

printf 'cpus %s\nkernel %s\n' "$(grep -c '^processor' /proc/cpuinfo)" "$(uname -r)"
sed -n 's/^MemTotal: *\([0-9]*\) kB/memory_total \1/p; s/^MemAvailable: *\([0-9]*\) kB/memory_available \1/p' /proc/meminfo
stat -f -c 'space %b %a %S' .
df -PT . 2>/dev/null | awk 'NR==2 {print "filesystem " $2}'
