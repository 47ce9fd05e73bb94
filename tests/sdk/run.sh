#!/usr/bin/env bash
# An author's ten minutes: install Backplane, build a device and a board against the installed SDK alone, have
# them found by name, and let a guest program drive them.
# usage: run.sh BUILD_DIR SOURCE_DIR   (exit status 77: something needed is not installed)
set -euo pipefail
build=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

command -v riscv64-linux-gnu-gcc >/dev/null || { echo "skipped: riscv64-linux-gnu-gcc is not installed"; exit 77; }

cmake --install "$build" --prefix "$work/usr" >"$work/install.log" || { cat "$work/install.log"; exit 1; }
cmake -S "$source/acme" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/usr" \
      -DCMAKE_CXX_FLAGS="${SDK_TEST_FLAGS:-} -Wall -Wextra -Werror" >"$work/configure.log" || { cat "$work/configure.log"; exit 1; }
cmake --build "$work/build" >"$work/build.log" || { cat "$work/build.log"; exit 1; }
if nm -D --defined-only "$work/build/acme-blinker.so" | grep -q .; then
    echo "the plugin shows symbols:"; nm -D --defined-only "$work/build/acme-blinker.so"; exit 1
fi
stamp=$(sed -n 's/^#define BACKPLANE_BUILD_STAMP "\(.*\)"$/\1/p' "$work/usr/include/backplane/build_stamp.h")
[ -n "$stamp" ] && grep -qaF "$stamp" "$work/build/acme-blinker.so" || { echo "the plugin does not say what it was built with"; exit 1; }

backplane="$work/usr/bin/backplane"
export BACKPLANE_PLUGIN_PATH="$work/build"
chmod go-w "$work/build"
"$backplane" -machine help | grep -q 'acme-board-1.0' || { echo "-machine help does not list acme-board-1.0"; exit 1; }
"$backplane" -device acme-blinker,help | grep -q 'period' || { echo "-device acme-blinker,help does not list period"; exit 1; }

for version in 2.0:10 1.0:20; do
    riscv64-linux-gnu-gcc -march=rv64ima_zicsr -mabi=lp64 -nostdlib -static -DEXPECTED_PERIOD="${version#*:}" \
        -Wl,-Ttext=0x80000000,--build-id=none -o "$work/program.elf" "$source/acme/program.S"
    riscv64-linux-gnu-objcopy -O binary "$work/program.elf" "$work/program.bin"
    timeout 60 "$backplane" -M "acme-board-${version%:*}" -bios "$work/program.bin" -display none -serial none -monitor none ||
        { echo "the guest program failed on acme-board-${version%:*} (status $?)"; exit 1; }
done
echo "a device and a board from outside of the tree run"
