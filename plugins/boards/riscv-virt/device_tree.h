// The device tree of the board, made from the machine as it was wired. Follows "Devicetree Specification" v0.4 and
// the Linux bindings that the `compatible` strings name.
#pragma once

#include <backplane/board.h>
#include <backplane/platform.h>

#include <string>
#include <vector>

namespace backplane::riscv_virt {

struct HartDescription {
    std::uint64_t id = 0;
    std::string isa;                      ///< "rv64imafdc_zicsr…"
    std::vector<std::string> extensions;  ///< "i", "m", …, "zicsr", …
    std::string mmu;                      ///< "riscv,sv48"; empty: none
};

struct TreeContents {
    std::vector<HartDescription> harts;
    std::uint64_t ram_size = 0;  ///< bytes
    bool aclint = false;         ///< the timer and the software interrupts as ACLINT nodes, not as a CLINT
    std::string compatible = "riscv-virtio";  ///< of the root
    const NumaTopology* numa = nullptr;       ///< null or without nodes: memory is uniform
    PlatformBus* platform = nullptr;          ///< what users plugged into its window; null: nothing
};

/// What /chosen says of this boot.
struct ChosenContents {
    std::string arguments;  ///< empty: no bootargs
    std::uint64_t initrd_start = 0;
    std::uint64_t initrd_end = 0;    ///< 0: no initrd
    std::vector<std::uint8_t> seed;  ///< for the guest's random numbers
};

using TreeBytes = std::vector<std::uint8_t>;

/// Bytes that the tree of so many harts, platform devices and nodes takes at most, with its /chosen but for the arguments, and with what firmware
/// may add.
std::uint64_t tree_room(std::size_t harts, std::size_t platform_devices, std::size_t nodes);
bool make_device_tree(const TreeContents& contents, TreeBytes& tree, Errors& errors);
/// Is it a whole device tree? False and a reason that does not name the file.
bool check_device_tree(Bytes tree, Errors& errors);
/// Writes /chosen, with room left for firmware to add to.
bool set_chosen(TreeBytes& tree, const ChosenContents& chosen, Errors& errors);
/// Where the seed's bytes are in the tree; 0 when it has none.
std::size_t seed_offset(const TreeBytes& tree);

}  // namespace backplane::riscv_virt
