#!/usr/bin/env bash
# Runs commands of ./dev in a bare Debian 12: a root with apt and the packages that Debian calls essential, a clone
# of this tree's commit, and nothing that this machine has installed. It is gone afterwards.
#
# usage: fresh.sh TREE [COMMAND [ARGUMENT...]]
#   without a command: `boot`, then `test`; a boot gets no terminal, waits for the guest's shell and ends it
#   configure-all: the set-up and configuration of both, without building; they must find the same tests
#
# Lent are the host's names of hosts, its apt's mirror with the settings to reach it, the compiler's cache, and a
# cache of packages. Exit status 77: this host refuses what is needed; the reason is printed.
set -euo pipefail

suite=bookworm
skipped=77
cache="${BACKPLANE_CACHE:?}/fresh"
bare="$cache/root"
compiler_cache=$(ccache --get-config cache_dir 2>/dev/null || echo "$HOME/.cache/ccache")

say() { echo "fresh: $*" >&2; }
die() {
    say "$*"
    exit 1
}

# The lines of a sources.list: the archive that this system's apt uses, else Debian's own.
sources() {
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(CODENAME) deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' \
        'Origin: Debian' | sed -nE "s/^$suite(-updates|-security)? //p" | grep -v ' contrib$\| non-free' | sort -u |
        grep . || printf 'deb http://deb.debian.org/debian %s main\n' "$suite" "$suite-updates"
}

make_archive() {
    local archive="$cache/$suite.tar"
    [ -e "$archive" ] && return
    say "making a bare $suite"
    sources | mmdebstrap --quiet --variant=minbase --format=tar --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
        "$suite" "$archive.new" - >&2
    mv "$archive.new" "$archive"
}

# What a host needs to reach its mirror, and no other setting of its apt.
lend_network() {
    sources >"$bare/etc/apt/sources.list"
    apt-config dump | grep -E '^(Acquire::(https?|ftp|Check-|ForceIPv|Retries)|APT::Sandbox)' \
        >"$bare/etc/apt/apt.conf.d/90host" || true
    cp /etc/resolv.conf /etc/hosts "$bare/etc/"
    if grep -q '^deb https:' "$bare/etc/apt/sources.list"; then
        mkdir -p "$bare/etc/ssl"
        cp -rL /etc/ssl/certs "$bare/etc/ssl/"
    fi
}

clone() {
    local tree=$1 commit
    # The tree may belong to who became root.
    export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
    commit=$(git -C "$tree" rev-parse HEAD)
    [ -z "$(git -C "$tree" status --porcelain)" ] || say "what is not committed is left out; this is $commit"
    git clone -q --no-hardlinks --no-checkout "$tree" "$bare/root/backplane"
    git -C "$bare/root/backplane" checkout -q --detach "$commit"
}

# Gives the compiler's and the package cache to the root and goes into it; as process 1 of a namespace.
enter() {
    mkdir -p "$bare/root/.cache/ccache" "$compiler_cache" "$cache/archives/partial"
    mount -t proc proc "$bare/proc"
    mount --rbind /sys "$bare/sys"
    mount --rbind /dev "$bare/dev"
    mount --bind "$compiler_cache" "$bare/root/.cache/ccache"
    mount --bind "$cache/archives" "$bare/var/cache/apt/archives"
    cd "$bare/root"
    # shellcheck disable=SC2016
    exec chroot "$bare" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM=dumb \
        ${CI:+CI="$CI"} ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
        /bin/bash -c 'cd /root/backplane && exec "$@"' fresh "$@"
}

in_root() {
    unshare --mount --pid --fork --kill-child "$0" --enter "$@"
}

# Boots without a terminal: the guest's shell is told to end, and the guest then powers itself off.
boot() {
    local keyboard="$cache/keyboard"
    say "./dev boot $*"
    rm -f "$keyboard"
    mkfifo "$keyboard"
    exec 8<>"$keyboard"
    in_root ./dev boot "$@" <"$keyboard" 2>&1 | watch_guest
    exec 8>&-
}

# Shows the console; fails unless the guest came to its shell, which it tells to end.
watch_guest() {
    local line found=1
    while IFS= read -r line; do
        printf '%s\n' "${line%$'\r'}"
        case "$line" in *BACKPLANE-DEBIAN-OK*)
            found=0
            # The shell starts next, and finds the word in its terminal.
            echo exit >&8
            ;;
        esac
    done
    [ "$found" -eq 0 ] || say "./dev boot ended before the guest came to its shell"
    return "$found"
}

count_tests() {
    in_root ctest --test-dir build -N | sed -n 's/^Total Tests: //p'
}

configure_all() {
    local after_boot after_both after_test
    in_root ./dev configure boot
    after_boot=$(count_tests)
    in_root ./dev configure test
    after_both=$(count_tests)
    in_root rm -r build
    in_root ./dev configure test
    after_test=$(count_tests)
    say "tests: $after_boot configured by boot, $after_both by test after boot, $after_test by test alone"
    [ "${after_test:-0}" -gt 0 ] || die "there are no tests"
    [ "$after_boot $after_both" = "$after_test $after_test" ] || die "the number of tests is not the same on every path"
}

clean() {
    rm -rf --one-file-system "$bare"
    [ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID:$SUDO_GID" "$compiler_cache"
}

if [ "${1:-}" = --enter ]; then
    shift
    enter "$@"
fi

tree=$1
shift
refusal=$(unshare --mount --pid --fork --kill-child true 2>&1) || {
    say "skipped: this host gives no namespaces: $refusal"
    exit "$skipped"
}
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
trap clean EXIT
rm -rf --one-file-system "$bare"
make_archive
mkdir -p "$bare"
tar -C "$bare" --numeric-owner -xpf "$cache/$suite.tar"
lend_network
clone "$tree"

case "${1:-}" in
    "")
        boot
        in_root ./dev test
        ;;
    boot) boot "${@:2}" ;;
    configure-all) configure_all ;;
    *) in_root ./dev "$@" ;;
esac
