#!/usr/bin/env bash
# An author's ten minutes: install Backplane, move it elsewhere, build a device and a board against the installed SDK
# alone, test the device on the bench, have both found by name, and let a guest program drive them.
# usage: run.sh BUILD_DIR SOURCE_DIR   (exit status 77: something needed is not installed)
set -euo pipefail
build=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "$*"
    exit 1
}
quietly() {  # quietly LOG COMMAND…
    local log=$work/$1
    shift
    "$@" >"$log" 2>&1 || { cat "$log"; exit 1; }
}

says() {  # says PATTERN COMMAND…
    local pattern=$1 output
    shift
    output=$("$@" 2>&1) || true
    grep -q -- "$pattern" <<<"$output" || fail "'$*' does not say '$pattern', but: $output"
}
export -n BACKPLANE_PLUGIN_PATH
export XDG_DATA_HOME=$work/data

command -v riscv64-linux-gnu-gcc >/dev/null || { echo "skipped: riscv64-linux-gnu-gcc is not installed"; exit 77; }
command -v pkg-config >/dev/null || { echo "skipped: pkg-config is not installed"; exit 77; }

quietly install.log cmake --install "$build" --prefix "$work/first"
mv "$work/first" "$work/usr"  # whatever is found, is found from where it stands
doc=$(echo "$work"/usr/share/doc/*)
for file in LICENSE docs/plugins.md examples/acme/blinker.cpp; do
    [ -f "$doc/$file" ] || fail "$file is not installed"
done
chmod -R go-w "$work"

quietly configure.log cmake -S "$doc/examples/acme" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/usr" \
    -DCMAKE_INSTALL_PREFIX="$work/usr" -DCMAKE_CXX_FLAGS="${SDK_TEST_FLAGS:-} -Wall -Wextra -Werror"
quietly build.log cmake --build "$work/build"
quietly bench.log ctest --test-dir "$work/build" --output-on-failure

# What the document shows is a project that works.
block() {  # block LANGUAGE: the document's first
    awk -v start="\`\`\`$1" '$0 == start { inside = 1; next } inside && /^```/ { exit } inside' "$doc/docs/plugins.md"
}
mkdir "$work/shown"
block cmake >"$work/shown/CMakeLists.txt"
block cpp >"$work/shown/blinker.cpp"
quietly shown-configure.log cmake -S "$work/shown" -B "$work/shown/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/usr" \
    -DCMAKE_CXX_FLAGS="${SDK_TEST_FLAGS:-} -Wall -Wextra -Werror"
quietly shown-build.log cmake --build "$work/shown/build"
says 'watts=<uint>' env BACKPLANE_PLUGIN_PATH="$work/shown/build" "$work/usr/bin/backplane" -device acme-blinker,help

# The same with pkg-config and a compiler.
export PKG_CONFIG_PATH=$(dirname "$(find "$work/usr" -name backplane-sdk.pc)")
mkdir "$work/by-hand"
# shellcheck disable=SC2046
quietly by-hand.log c++ ${SDK_TEST_FLAGS:-} $(pkg-config --cflags backplane-sdk) "$source/acme/blinker.cpp" \
    -o "$work/by-hand/acme-blinker.so" $(pkg-config --libs backplane-sdk)

stamp=$(sed -n 's/^#define BACKPLANE_BUILD_STAMP "\(.*\)"$/\1/p' "$work/usr/include/backplane/build_stamp.h")
for plugin in "$work/build/acme-blinker.so" "$work/by-hand/acme-blinker.so"; do
    shown=$(nm -D --defined-only "$plugin")
    [ -z "$shown" ] || fail "$plugin shows symbols: $shown"
    flags=$(readelf -dW "$plugin")
    [[ $flags == *NODELETE* && $flags == *NOW* ]] || fail "$plugin could be unloaded, or is bound lazily"
    { [ -n "$stamp" ] && grep -qaF "$stamp" "$plugin"; } || fail "$plugin does not say what it was built with"
done
printf '#include <backplane/draft/cpu.h>\n' >"$work/draft.cpp"
# shellcheck disable=SC2046
if c++ $(pkg-config --cflags backplane-sdk) -DBACKPLANE_STABLE -fsyntax-only "$work/draft.cpp" 2>/dev/null; then
    fail "a plugin that says that it is stable may include a draft header"
fi
# shellcheck disable=SC2046
if echo '#include <backplane/abi.h>' | c++ $(pkg-config --cflags backplane-sdk) -DBACKPLANE_SDK_TARGET_MINOR=99 -fsyntax-only -x c++ - 2>/dev/null; then
    fail "a plugin may target a minor version that these headers do not serve"
fi

backplane="$work/usr/bin/backplane"
says "$work/by-hand" env BACKPLANE_PLUGIN_PATH="$work/by-hand" "$backplane" plugin why acme-blinker
quietly plugins.log cmake --install "$work/build"
quietly list.log "$backplane" plugin list
says '^acme-board-1.0 .*(deprecated)$' "$backplane" -machine help
says 'acme-blinker.period=20' "$backplane" -M acme-board-1.0,help
says 'period' "$backplane" -device acme-blinker,help
says '^  registers (16 bytes) ' "$backplane" -device acme-blinker,help
says '^  irq (output) ' "$backplane" -device acme-blinker,help
says 'addr 00:05.0' timeout 60 "$backplane" -M virt -bios none -display none -serial none -monitor stdio -S \
    -device acme-card,addr=05.0 \
    <<<$'info qtree\nquit'

for version in 2.0:10 1.0:20; do
    riscv64-linux-gnu-gcc -march=rv64ima_zicsr -mabi=lp64 -nostdlib -static -DEXPECTED_PERIOD="${version#*:}" \
        -Wl,-Ttext=0x80000000,--build-id=none -o "$work/program.elf" "$source/acme/program.S"
    riscv64-linux-gnu-objcopy -O binary "$work/program.elf" "$work/program.bin"
    timeout 60 "$backplane" -M "acme-board-${version%:*}" -bios "$work/program.bin" -display none -serial none -monitor none ||
        fail "the guest program failed on acme-board-${version%:*} (status $?)"
done
echo "a device and a board from outside of the tree run"
