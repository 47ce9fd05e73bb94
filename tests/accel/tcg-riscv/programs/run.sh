#!/usr/bin/env bash
# Assembles a program and runs it as the firmware of the board `virt`; the machine's exit status is this one's.
# usage: run.sh PROGRAM.S BACKPLANE [HARTS]   (exit status 77: the assembler is not installed)
set -euo pipefail
source=$1 backplane=$2 harts=${3:-2}

for prefix in riscv64-linux-gnu riscv64-unknown-elf none; do
    command -v "$prefix-gcc" >/dev/null && command -v "$prefix-objcopy" >/dev/null && break
done
[ "$prefix" != none ] || { echo "riscv64-linux-gnu-gcc is missing; run: ./dev setup test"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$prefix-gcc" -nostdlib -static -no-pie -mabi=lp64d -march=rv64gc -Wl,--build-id=none -Wl,--no-warn-rwx-segments \
    -T "$(dirname "$source")/program.ld" -o "$work/program.elf" "$source"
"$prefix-objcopy" -O binary "$work/program.elf" "$work/program.bin"
"$backplane" -M virt -smp "$harts" -display none -serial none -monitor none -bios "$work/program.bin"
