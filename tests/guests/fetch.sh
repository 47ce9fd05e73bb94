#!/usr/bin/env bash
# Fetches real guests by package name into the cache, outside the tree, and makes images of them:
#
#   guests/firmware/           OpenSBI and U-Boot of the system's own release (links)
#   guests/riscv64/            vmlinux, busybox, modules/, initramfs.cpio, debian.ext4 (Debian trixie)
#   guests/efi/                with --efi: UEFI firmware for the board, GRUB, systemd-boot (Debian trixie)
#   guests/x86_64/             with --pc: vmlinuz (Debian's cloud kernel), busybox (Debian bookworm)
#                              with --pc-parts: GRUB's rescue images, memtest86+, OVMF (Debian bookworm)
#                              with --pc-disk: debian.raw, and the kernel and initramfs that are on it
#   guests/peer-SUITE/run      with --peer: the emulator that `dev bench` measures beside (the newest release)
#
# The archive is the one that apt is set up with here, and its signatures are checked by apt; other
# suites and architectures go through a private apt state, so nothing on the system changes.
# Instant when everything is there; a change to the makers remakes what they make.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache="${BACKPLANE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/backplane}"
guests="$cache/guests"
target="$guests/riscv64"
guest_suite=trixie
pc_suite=bookworm
peer_suite=trixie-backports
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
firmware_files=(
    /usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin
    /usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.bin
    /usr/lib/u-boot/qemu-riscv64/u-boot.bin:u-boot-mmode.bin
    /usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin:u-boot-smode.bin
)
debian_packages=(base-files base-passwd bash coreutils dash util-linux mount procps iproute2
    hostname sed grep findutils gzip tar ncurses-base debianutils)

say() { echo "guests: $*" >&2; }
die() { say "$*"; exit 1; }

# The URL of the Debian archive that this system's apt uses.
archive_url() {
    local listing
    # shellcheck disable=SC2016
    listing=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' |
        grep -v -e security | head -n 1 || true)
    echo "${listing:-http://deb.debian.org/debian/}"
}

# use_state ARCHITECTURE SUITE...: sets `apt` to apt-get options for a private state of these suites.
use_state() {
    local architecture=$1 state
    shift
    state="$cache/apt/${*: -1}-$architecture"
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
        "$(archive_url)" "$*" "$keyring" >"$state/suite.sources"
    apt=(-q "-oDir::Etc::sourcelist=$state/suite.sources" -oDir::Etc::sourceparts=/dev/null
        -oDir::Etc::preferencesparts=/dev/null "-oDir::State::Lists=$state/lists" "-oDir::Cache=$state/cache"
        "-oDir::Cache::pkgcache=" "-oDir::Cache::srcpkgcache="
        -oDir::State::status=/dev/null "-oAPT::Architecture=$architecture" "-oAPT::Architectures=$architecture"
        -oAPT::Sandbox::User=root -oDebug::NoLocking=1)
    archives="$state/cache/archives"
    rm -f "$archives"/*.deb
    apt-get "${apt[@]}" update </dev/null >"$state/log" 2>&1 ||
        die "cannot read the lists of $* ($architecture); the end of $state/log: $(tail -n 1 "$state/log")"
}

# download PACKAGE... into the state's archives folder, without dependencies.
download() {
    (cd "$archives" && apt-get "${apt[@]}" download "$@" </dev/null >"$archives/../../log" 2>&1) ||
        die "cannot download $*; the end of the log: $(tail -n 1 "$archives/../../log")"
}

# download_with_dependencies [-t SUITE] PACKAGE...
download_with_dependencies() {
    apt-get "${apt[@]}" -y --download-only --no-install-recommends install "$@" </dev/null \
        >"$archives/../../log" 2>&1 ||
        die "cannot download $*; the end of the log: $(tail -n 1 "$archives/../../log")"
}

# unpack FOLDER FILE...: base-files first, for its links /bin -> usr/bin.
unpack() {
    local folder=$1 file
    shift
    mkdir -p "$folder"
    for file in "$@"; do dpkg-deb --extract "$file" "$folder"; done
}

# fresh OUTPUT INPUT...: whether the output was made from inputs with exactly this content.
fresh() {
    local output=$1
    shift
    [ -e "$output" ] && [ "$(cat "$output.made-from" 2>/dev/null)" = "$(fingerprint "$@")" ]
}
made() {
    local output=$1
    shift
    fingerprint "$@" >"$output.made-from"
}
fingerprint() { cat "$@" | sha256sum; }

# Runs a command that sees the caller's own files as root's: in an image, they then are.
as_owner() {
    if [ "$(id -u)" -ne 0 ] && unshare --map-root-user true 2>/dev/null; then
        unshare --map-root-user "$@"
    else
        "$@"
    fi
}

link_firmware() {
    local entry file
    mkdir -p "$guests/firmware"
    for entry in "${firmware_files[@]}"; do
        file=${entry%%:*}
        [ -e "$file" ] || die "$file is missing; run: ./dev setup guest"
        ln -sfn "$file" "$guests/firmware/$(basename "${entry##*:}")"
    done
}

fetch_kernel() {
    [ -e "$target/vmlinux" ] && [ -e "$target/busybox" ] && [ -d "$target/modules" ] && return
    say "fetching the $guest_suite kernel and busybox for riscv64"
    use_state riscv64 "$guest_suite"
    local scratch="$target/unpacked" image
    image=$(apt-cache "${apt[@]}" depends linux-image-riscv64 | sed -n 's/^ *Depends: //p' | head -n 1)
    download "$image" busybox-static
    rm -rf "$scratch" "$target/modules"
    unpack "$scratch" "$archives"/*.deb
    mv "$scratch"/usr/lib/modules/* "$target/modules"
    basename "$image" >"$target/kernel-package"
    cp "$scratch/usr/bin/busybox" "$target/busybox"
    cp "$scratch"/boot/vmlinux-* "$target/vmlinux.new"
    mv "$target/vmlinux.new" "$target/vmlinux"
    rm -rf "$scratch" "$archives"/*.deb
}

fetch_efi() {
    local efi="$guests/efi" scratch="$guests/efi.unpacked"
    [ -e "$efi/systemd-boot.efi" ] && return
    say "fetching UEFI firmware and boot loaders of $guest_suite for riscv64"
    use_state riscv64 "$guest_suite"
    download qemu-efi-riscv64 grub-efi-riscv64-unsigned systemd-boot-efi
    rm -rf "$scratch"
    unpack "$scratch" "$archives"/*.deb
    mkdir -p "$efi"
    cp "$scratch"/usr/share/qemu-efi-riscv64/RISCV_VIRT_{CODE,VARS}.fd "$efi"
    cp "$scratch/usr/lib/grub/riscv64-efi/monolithic/grubriscv64.efi" "$efi/grub.efi"
    cp "$scratch/usr/lib/systemd/boot/efi/systemd-bootriscv64.efi" "$efi/systemd-boot.efi"
    rm -rf "$scratch" "$archives"/*.deb
}

fetch_pc_kernel() {
    local pc="$guests/x86_64" scratch="$guests/x86_64.unpacked" image
    [ -e "$pc/vmlinuz" ] && return
    say "fetching the $pc_suite kernel and busybox for PCs"
    use_state amd64 "$pc_suite"
    image=$(apt-cache "${apt[@]}" depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: //p' | head -n 1)
    download "$image" busybox-static
    rm -rf "$scratch"
    unpack "$scratch" "$archives"/*.deb
    mkdir -p "$pc"
    cp "$scratch/bin/busybox" "$pc/busybox"
    cp "$scratch"/boot/vmlinuz-* "$pc/vmlinuz.new"
    mv "$pc/vmlinuz.new" "$pc/vmlinuz"
    rm -rf "$scratch" "$archives"/*.deb
}

fetch_pc_parts() {
    local pc="$guests/x86_64" scratch="$guests/x86_64.unpacked"
    [ -e "$pc/OVMF_VARS_4M.fd" ] && return
    say "fetching GRUB's rescue images, a memory test and UEFI firmware of $pc_suite for PCs"
    use_state amd64 "$pc_suite"
    download grub-rescue-pc memtest86+ ovmf
    rm -rf "$scratch"
    unpack "$scratch" "$archives"/*.deb
    mkdir -p "$pc"
    cp "$scratch"/usr/lib/grub-rescue/grub-rescue-{cdrom.iso,floppy.img,usb.img} "$pc"
    cp "$scratch/boot/memtest86+x64.bin" "$pc/memtest86+x64.bin.new"
    mv "$pc/memtest86+x64.bin.new" "$pc/memtest86+x64.bin"
    cp "$scratch"/usr/share/OVMF/OVMF_CODE_4M.fd "$pc"
    cp "$scratch/usr/share/OVMF/OVMF_VARS_4M.fd" "$pc/OVMF_VARS_4M.fd.new"
    mv "$pc/OVMF_VARS_4M.fd.new" "$pc/OVMF_VARS_4M.fd"
    rm -rf "$scratch" "$archives"/*.deb
}

make_pc_disk() {
    local pc="$guests/x86_64" inputs=("$here"/debian-pc/*)
    fresh "$pc/debian.raw" "${inputs[@]}" && return
    command -v mmdebstrap >/dev/null || die "mmdebstrap is missing; run: ./dev setup pc-guest"
    say "making a Debian $pc_suite disk for PCs"
    mkdir -p "$pc"
    "$here/debian-pc/make_disk.sh" make "$pc_suite" "$(archive_url)" "$pc" >&2 ||
        die "the disk could not be made; what mmdebstrap complains of stands above"
    made "$pc/debian.raw" "${inputs[@]}"
}

make_initramfs() {
    local inputs=("$here/make_initramfs.py" "$here"/guest/init "$here"/guest/tests/* "$target/kernel-package")
    fresh "$target/initramfs.cpio" "${inputs[@]}" && return
    say "making the initramfs"
    python3 "$here/make_initramfs.py" --busybox "$target/busybox" --modules "$target/modules" \
        --release "$(sed 's/^linux-image-//' "$target/kernel-package")" --guest "$here/guest" \
        --out "$target/initramfs.cpio"
    made "$target/initramfs.cpio" "${inputs[@]}"
}

make_debian_disk() {
    local recipe="$target/debian.recipe" tree="$target/debian" file
    { declare -f make_debian_disk && echo "$guest_suite ${debian_packages[*]}"; } >"$recipe"
    local inputs=("$recipe" "$here"/debian/*)
    fresh "$target/debian.ext4" "${inputs[@]}" && return
    say "making a Debian $guest_suite disk"
    use_state riscv64 "$guest_suite"
    download_with_dependencies "${debian_packages[@]}"
    rm -rf "$tree"
    unpack "$tree" "$archives"/base-files_*.deb "$archives"/*.deb
    mkdir -p "$tree"/{proc,sys,dev,run,tmp,root}
    cp "$tree/usr/share/base-passwd/passwd.master" "$tree/etc/passwd"
    cp "$tree/usr/share/base-passwd/group.master" "$tree/etc/group"
    cp "$tree"/usr/share/base-files/profile "$tree/etc/profile"
    cp "$tree"/usr/share/base-files/dot.bashrc "$tree/root/.bashrc"
    cp "$tree"/usr/share/base-files/dot.profile "$tree/root/.profile"
    echo backplane >"$tree/etc/hostname"
    ln -sfn bash "$tree/usr/bin/sh"
    install -m 755 "$here/debian/init" "$tree/usr/sbin/init"
    install -m 755 "$here/debian/poweroff" "$tree/usr/sbin/poweroff"
    find "$tree/usr/share/doc" "$tree/usr/share/man" "$tree/usr/share/locale" -mindepth 1 -delete
    rm -f "$target/debian.ext4.new"
    as_owner mke2fs -q -t ext4 -L debian -E root_owner=0:0 -d "$tree" "$target/debian.ext4.new" 512M >/dev/null
    mv "$target/debian.ext4.new" "$target/debian.ext4"
    rm -rf "$tree" "$archives"/*.deb
    made "$target/debian.ext4" "${inputs[@]}"
}

# The peer and all that it is linked to: the programs of a newer release need its C library and its loader.
fetch_peer() {
    local peer="$guests/peer-$peer_suite" version
    [ -x "$peer/run" ] && [ -x "$peer/run-x86" ] && return
    say "fetching the peer emulator from $peer_suite"
    use_state "$(dpkg --print-architecture)" "${peer_suite%-backports}" "$peer_suite"
    download_with_dependencies -t "$peer_suite" qemu-system-riscv qemu-system-x86 qemu-utils seabios
    rm -rf "$peer"
    unpack "$peer" "$archives"/*.deb
    rm -f "$archives"/*.deb
    local program target
    for program in run.new:riscv64 run-x86:x86_64; do
        target=${program#*:} program=${program%:*}
        cat >"$peer/$program" <<EOF
#!/bin/sh
exec "$(echo "$peer"/usr/lib64/ld-linux-*)" --library-path "$(dirname "$peer"/usr/lib/*/libc.so.6)" \\
    "$peer/usr/bin/qemu-system-$target" -L "$peer/usr/share/qemu" -L "$peer/usr/share/seabios" "\$@"
EOF
        chmod +x "$peer/$program"
    done
    version=$("$peer/run.new" --version | head -n 1) || die "the peer does not run here: $peer/run.new"
    mv "$peer/run.new" "$peer/run"
    say "the peer: $version"
}

mkdir -p "$target"
exec 9>"$cache/lock"
flock 9
link_firmware
fetch_kernel
make_initramfs
make_debian_disk
for more in "$@"; do
    case "$more" in
        --efi) fetch_efi ;;
        --pc) fetch_pc_kernel ;;
        --pc-parts) fetch_pc_parts ;;
        --pc-disk) make_pc_disk ;;
        --peer) fetch_peer ;;
        *) die "'$more': more than the usual guests there are --efi, --pc, --pc-parts, --pc-disk and --peer" ;;
    esac
done
