#!/usr/bin/env bash
# Makes a Debian disk for PCs that starts by itself, and copies its kernel and initramfs beside it:
#
#   make_disk.sh make SUITE ARCHIVE FOLDER   FOLDER/debian.raw, FOLDER/debian.vmlinuz, FOLDER/debian.initrd
#
# As root: what mmdebstrap runs in a namespace of others cannot write to FOLDER. The disk has one partition behind an MBR, GRUB
# between the two, and `root` without a password on the serial console. /root/system.sha256 has what every file of /usr and
# /boot is.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
packages=(systemd-sysv udev kmod iproute2 iputils-ping procps e2fsprogs linux-image-cloud-amd64 initramfs-tools zstd
    grub-pc-bin grub-common gcc libc6-dev python3 openssl stress-ng)
disk_mebibytes=2048

make() {
    local suite=$1 archive=$2 folder=$3
    [ "$(id -u)" -eq 0 ] || {
        echo "make_disk.sh: a disk is made by root alone" >&2
        exit 1
    }
    # shellcheck disable=SC2016  # mmdebstrap's shell says what $1 is.
    mmdebstrap --mode=root --quiet --variant=minbase --format=null --include="$(IFS=, && echo "${packages[*]}")" \
        --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
        --customize-hook="$(printf '%q ' "$here/make_disk.sh" finish "$folder")"'"$1"' \
        "$suite" /dev/null "deb $archive $suite main"
}

# What mmdebstrap calls when the packages are there.
finish() {
    local folder=$1 root=$2 new="$1/debian.raw.new"
    set_up "$root"
    (cd "$root" && find usr boot -xdev -type f -print0 | sort -z | xargs -0 sha256sum | sed 's|  |  /|') \
        >"$root/root/system.sha256"
    chroot "$root" grub-mkimage -O i386-pc -p '(hd0,msdos1)/boot/grub' -o /root/core.img \
        biosdisk part_msdos ext2 normal linux serial terminal echo
    rm -f "$new"
    truncate -s "${disk_mebibytes}M" "$new"
    write_boot_sectors "$new" "$root/usr/lib/grub/i386-pc/boot.img" "$root/root/core.img"
    rm "$root/root/core.img"
    copy_files "$root" "$new"
    cp "$root/vmlinuz" "$folder/debian.vmlinuz"
    cp "$root/initrd.img" "$folder/debian.initrd"
    mv "$new" "$folder/debian.raw"
}

set_up() {
    local root=$1 unit
    echo backplane >"$root/etc/hostname"
    printf '127.0.0.1 localhost\n127.0.1.1 backplane\n' >"$root/etc/hosts"
    echo 'nameserver 10.0.2.3' >"$root/etc/resolv.conf"
    echo 'LABEL=debian / ext4 defaults 0 1' >"$root/etc/fstab"
    : >"$root/etc/machine-id"
    printf '[Match]\nName=e*\n[Network]\nDHCP=yes\n' >"$root/etc/systemd/network/wired.network"
    chroot "$root" passwd -q -d root
    chroot "$root" systemctl -q enable systemd-networkd
    # What would wait for a network, or start beside a test.
    for unit in systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer \
        e2scrub_reap.service fstrim.timer; do
        ln -sfn /dev/null "$root/etc/systemd/system/$unit"
    done
    install -D -m 644 "$here/grub.cfg" "$root/boot/grub/grub.cfg"
    install -m 755 "$here/check" "$root/root/check"
    rm -rf "$root"/var/cache/apt/*.bin "$root"/var/lib/apt/lists/*
}

# GRUB's boot sector and its image in the sectors behind it, around a table of one active partition at 1 MiB.
write_boot_sectors() {
    python3 - "$@" <<'PYTHON'
import pathlib, struct, sys
disk, boot, core = sys.argv[1:]
sectors, start = pathlib.Path(disk).stat().st_size // 512, 2048
core = pathlib.Path(core).read_bytes()
assert len(core) <= (start - 1) * 512, "GRUB's image does not fit ahead of the partition"
table = struct.pack("<B3sB3sII", 0x80, b"\0\2\0", 0x83, b"\xfe\xff\xff", start, sectors - start).ljust(64, b"\0")
with open(disk, "r+b") as file:
    file.write(pathlib.Path(boot).read_bytes()[:446] + table + b"\x55\xaa" + core)
PYTHON
}

# What is mounted below the root stays out.
copy_files() {
    local root=$1 disk=$2 bare
    bare=$(mktemp -d)
    # shellcheck disable=SC2064  # The folder of now.
    trap "umount -q '$bare'; rmdir '$bare'" EXIT
    mount --bind "$root" "$bare"
    mke2fs -q -t ext4 -L debian -E offset=1048576,root_owner=0:0 -d "$bare" "$disk" "$((disk_mebibytes - 1))M"
    umount "$bare"
    rmdir "$bare"
    trap - EXIT
}

"$@"
