#!/bin/sh
# Builds the instruction tests with the cross compiler: assemble.sh <source folder> <decoder folder> <output folder>
# makes <output folder>/instructions (a Linux program) and instructions.bin (firmware at 0x80000000).
set -e
source=$1 decoder=$2 output=$3
gcc=riscv64-linux-gnu-gcc
options="-march=rv64gc_zba_zbb_zbc_zbs_zicsr_zifencei_zihintpause -O1 -nostdlib -static -ffreestanding -fno-pic
  -mcmodel=medany -Wl,--no-relax -Wl,--build-id=none"
python3 "$source/generate.py" "$decoder" > "$output/instructions.S"
$gcc $options "$output/instructions.S" "$source/driver.c" -o "$output/instructions"
$gcc $options -DBARE_METAL -Wl,-Ttext-segment=0x80000000 -Wl,--section-start=.init=0x80000000 \
  "$output/instructions.S" "$source/driver.c" -o "$output/instructions.elf"
riscv64-linux-gnu-objcopy -O binary "$output/instructions.elf" "$output/instructions.bin"
