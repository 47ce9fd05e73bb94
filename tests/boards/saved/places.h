// Where the guests of these tests find what they use, on each board.
#pragma once

#include <cstdint>
#include <span>

namespace backplane::testing {

/// A stretch of addresses, or of ports.
struct Window {
    std::uint64_t base;
    std::uint64_t size;
};

struct Places {
    /// What is accessed at random: all but what ends the machine.
    std::span<const Window> memory, ports;
    std::uint64_t ram;          ///< 16 MiB of it
    std::uint64_t virtio_mmio;  ///< eight transports; 0: there are none
    std::uint64_t ecam;         ///< 0: configuration space is reached through ports
    std::uint64_t io_bars;      ///< where PCI functions get their ports
    bool ide;
};

inline constexpr Window kVirtMemory[] = {
    {0x101000, 0x24},      {0x2000000, 0x40},    {0x2004000, 0x40},    {0x200bff8, 8},
    {0x2f00000, 0x20},     {0xc000000, 0x100},   {0xc001000, 0x10},    {0xc002000, 0x200},
    {0xc200000, 0x10},     {0xc201000, 0x10},    {0xc202000, 0x10},    {0x10000000, 8},
    {0x10000000, 8},       {0x10007000, 0x110},  {0x10008000, 0x110},  {0x10100000, 0x18},
    {0x20000000, 0x1000},  {0x22040000, 0x100},  {0x30000000, 0x100},  {0x30008000, 0x100},
    {0x30010000, 0x100},   {0x40100000, 0x4000}, {0x40180000, 0x1000}, {0x3000100, 0x40},
    {0x80000000, 0x10000},
};
inline constexpr Places kVirt{.memory = kVirtMemory,
                              .ports = {},
                              .ram = 0x80000000,
                              .virtio_mmio = 0x10001000,
                              .ecam = 0x30000000,
                              .io_bars = 0,
                              .ide = false};

inline constexpr Window kPcMemory[] = {
    {0, 0x10000},         {0xa0000, 0x60000},   {0xfec00000, 0x20},   {0xfed00000, 0x20},
    {0xfed000f0, 8},      {0xfed00100, 0x80},   {0xfee00000, 0x4000}, {0xffff0000, 0x10000},
    {0x40200000, 0x4000}, {0x40280000, 0x1000},
};
/// The power management's control register (604h) would switch the machine off.
inline constexpr Window kPcPorts[] = {
    {0x00, 0x10}, {0x20, 2},      {0x40, 4},  {0x40, 4},      {0x60, 2},    {0x64, 1},   {0x70, 2},
    {0x80, 0x10}, {0x92, 1},      {0xa0, 2},  {0xb2, 2},      {0xc0, 0x20}, {0xe9, 1},   {0xf0, 2},
    {0x170, 8},   {0x1f0, 8},     {0x2f8, 8}, {0x370, 6},     {0x376, 1},   {0x378, 8},  {0x3f6, 1},
    {0x3f0, 6},   {0x3f7, 1},     {0x3f8, 8}, {0x3f8, 8},     {0x4d0, 2},   {0x510, 12}, {0x600, 4},
    {0x608, 4},   {0x60c, 8},     {0xcf8, 8}, {0xae00, 0x20}, {0xaf00, 12}, {0xafe0, 4}, {0xb100, 0x10},
    {0xc040, 16}, {0xc200, 0x40},
};
inline constexpr Places kPc{.memory = kPcMemory,
                            .ports = kPcPorts,
                            .ram = 0,
                            .virtio_mmio = 0,
                            .ecam = 0,
                            .io_bars = 0xc000,
                            .ide = true};

}  // namespace backplane::testing
