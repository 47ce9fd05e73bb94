// A kernel of the host's, taken apart: what the option ROM (loader_rom.S) fetches of it, where it puts that, and how it
// goes in. Made from files without a machine.
#pragma once

#include <backplane/abi.h>

#include <string>
#include <vector>

namespace backplane::pc {

/// Numbers as in loader_rom.S.
enum class KernelKind : std::uint8_t { Linux = 0, Multiboot = 1, Pvh = 2 };

struct KernelPart {
    std::uint32_t address = 0;
    std::vector<std::uint8_t> bytes;  ///< empty: there is none
};

struct KernelPlan {
    KernelKind kind = KernelKind::Linux;
    /// Linux: the real-mode part. Others: what tells the kernel of its surroundings.
    KernelPart setup;
    KernelPart kernel, initrd, command_line;
    std::uint32_t entry = 0;  ///< not for Linux, which goes in through its setup
};

/// A file that goes with a kernel, and what the kernel is told with it.
struct KernelModule {
    std::string text;
    std::vector<std::uint8_t> bytes;
};

struct KernelFiles {
    Bytes kernel{};
    std::string name;  ///< the kernel's, as Multiboot kernels hear it
    std::string arguments;
    std::vector<KernelModule> modules;  ///< Linux and PVH: the initial RAM disk, or none
    std::uint64_t ram = 0;              ///< bytes from 0 to where RAM ends, or has its first hole
};

/// None of these when the file is of no kind that is known.
bool is_linux_kernel(Bytes file);
bool is_multiboot_kernel(Bytes file);
bool is_elf_kernel(Bytes file);

/// False and a reason that goes behind the file's name ("is cut short").
bool plan_linux(const KernelFiles& files, KernelPlan& plan, Errors& errors);
bool plan_multiboot(const KernelFiles& files, KernelPlan& plan, Errors& errors);
bool plan_pvh(const KernelFiles& files, KernelPlan& plan, Errors& errors);
/// By its kind.
bool plan_kernel(const KernelFiles& files, KernelPlan& plan, Errors& errors);

/// The option ROM for a kernel of that kind.
std::vector<std::uint8_t> make_loader_rom(KernelKind kind);

/// "a x,b" of -initrd: the modules' names with what follows them; a comma in one is written twice.
std::vector<std::string> split_modules(const std::string& list);

}  // namespace backplane::pc
