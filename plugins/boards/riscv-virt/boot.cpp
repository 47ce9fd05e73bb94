#include "boot.h"

#include "map.h"

#include <backplane/text.h>
#include <lib/elf.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace backplane::riscv_virt {
namespace {

constexpr std::uint64_t kMegabyte = 1 << 20;
constexpr std::uint64_t kKernelAlignment = 2 * kMegabyte;  // boot.rst, "Kernel location", rv64
constexpr std::uint64_t kPage = 4096;
/// A file that holds more than goes into memory (an executable with its debugging information) may have this much.
constexpr std::uint64_t kLongExecutable = 1024 * kMegabyte;
constexpr std::uint64_t kLongestItem = 0xffff'ffff;  // of fw_cfg, whose sizes have 32 bits
/// OpenSBI, under the name that emulators' firmware folders have and as Debian's package installs it.
constexpr const char* kDefaultFirmware = "opensbi-riscv64-generic-fw_dynamic.bin";
constexpr const char* kPackagedFirmware = "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin";

std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) { return (value + unit - 1) / unit * unit; }

/// Errors that name the option and the file.
class FileErrors final : public Errors {
  public:
    FileErrors(Errors& errors, const char* option, const std::string& path)
        : errors_(errors), prefix_(std::string(option) + " '" + path + "' ") {}
    void fail(Str message) override { errors_.fail(prefix_ + std::string(message.view())); }

  private:
    Errors& errors_;
    std::string prefix_;
};

/// Where a file ended up.
struct Placed {
    std::uint64_t entry = 0;
    std::uint64_t end = 0;
};

/// The longest file that can be of use.
std::uint64_t file_limit(BoardContext& context) { return std::max(context.ram().size(), kLongExecutable); }

bool is_memory(BoardContext& context, std::uint64_t address) {
    constexpr std::uint64_t kInstruction = 2;  // bytes, at least
    const DmaWindow window = context.dma().map(GuestAddress(address), kInstruction, false);
    if (!window.data) return false;
    context.dma().unmap(window, 0);
    return true;
}

bool place_elf(BoardContext& context, const std::string& path, Bytes file, Placed& placed, FileErrors& errors,
               Errors& plain) {
    elf::ElfImage image;
    if (!elf::read_elf(file, image, errors)) return false;
    if (!is_memory(context, image.entry)) {
        char text[128];
        std::snprintf(text, sizeof text, "starts at 0x%llx, where there is no memory; RAM is 0x%llx-0x%llx",
                      static_cast<unsigned long long>(image.entry), static_cast<unsigned long long>(kDram),
                      static_cast<unsigned long long>(kDram + context.ram().size() - 1));
        errors.fail(text);
        return false;
    }
    for (const elf::ElfSegment& segment : image.segments)
        if (!context.add_segment(path, GuestAddress(segment.address), segment.bytes, segment.memory_size,
                                 plain))
            return false;
    placed = {image.entry, image.end};
    return true;
}

/// boot.rst, "Image header": how much memory the kernel takes, with what follows its file.
std::uint64_t image_size(Bytes file) {
    constexpr std::size_t kSizeOffset = 16;
    constexpr std::size_t kMagicOffset = 56;
    std::uint64_t size = 0;
    if (file.size >= 64 && std::memcmp(file.data + kMagicOffset, "RSC\x05", 4) == 0)
        std::memcpy(&size, file.data + kSizeOffset, sizeof size);
    return size <= (std::uint64_t{1} << 32) ? std::max<std::uint64_t>(size, file.size) : file.size;
}

bool refuse_packed(Bytes file, FileErrors& errors) {
    if (file.size >= 2 && file.data[0] == 0x1f && file.data[1] == 0x8b) {
        errors.fail("is packed with gzip, and nothing would unpack it: unpack it with gunzip first");
        return true;
    }
    if (file.size >= 8 && std::memcmp(file.data, "MZ", 2) == 0 &&
        std::memcmp(file.data + 4, "zimg", 4) == 0) {
        errors.fail(
            "is a packed EFI image, which only EFI firmware can start: use the Image that it was made from");
        return true;
    }
    return false;
}

bool place_image(BoardContext& context, const char* option, const std::string& path, Bytes file,
                 std::uint64_t address, Placed& placed, Errors& errors) {
    FileErrors named(errors, option, path);
    if (file.empty()) {
        named.fail("is empty");
        return false;
    }
    if (elf::is_elf(file)) return place_elf(context, path, file, placed, named, errors);
    if (refuse_packed(file, named)) return false;
    placed = {address, address + image_size(file)};
    return context.add_blob(path, GuestAddress(address), file, errors);
}

bool place_firmware(BoardContext& context, const BootFiles& files, Placed& placed, Errors& errors) {
    BoardPropertyErrors named(errors, "firmware");
    placed = {kDram, kDram};
    if (files.firmware == "none") return true;
    const std::uint64_t limit = file_limit(context);
    Bytes file;
    std::string path = files.firmware;
    if (path.empty() || path == "default") {
        IgnoredErrors unused;
        const bool elsewhere = !context.read_file(kDefaultFirmware, true, limit, file, unused) &&
                               context.read_file(kPackagedFirmware, false, limit, file, unused);
        path = elsewhere ? kPackagedFirmware : kDefaultFirmware;
    }
    if (!context.read_file(path, true, limit, file, named)) return false;
    return place_image(context, "firmware", path, file, kDram, placed, named);
}

/// Clear of the kernel's own growth, and below the device tree, as far as memory allows.
bool place_initrd(BoardContext& context, const BootFiles& files, const Placed& kernel, BootPlan& plan,
                  Errors& errors) {
    const std::uint64_t ram = context.ram().size();
    BoardPropertyErrors named(errors, "initrd");
    Bytes file;
    if (!context.read_file(files.initrd, false, ram, file, named)) return false;
    const std::uint64_t growth = std::min(ram / 2, 512 * kMegabyte);
    std::uint64_t start = round_up(kernel.entry, kPage) + growth;
    if (file.size + files.tree_room <= ram)
        start = std::min(start, (kDram + ram - files.tree_room - file.size) / kPage * kPage);
    plan.initrd_start = std::max(start, round_up(kernel.end, kPage));
    plan.initrd_end = plan.initrd_start + file.size;
    return context.add_blob(files.initrd, GuestAddress(plan.initrd_start), file, named);
}

bool check_files(const BootFiles& files, Errors& errors) {
    if (!files.kernel.empty() || (files.initrd.empty() && files.arguments.empty())) return true;
    const std::string name = files.initrd.empty() ? "append" : "initrd";
    BoardPropertyErrors(errors, name).fail("-" + name + " is only allowed with the -kernel option");
    return false;
}

/// The items that firmware in flash starts a kernel from.
bool offer_kernel(BoardContext& context, FwCfg& fw_cfg, const BootFiles& files, Errors& errors) {
    const auto offer = [&](Str name, const std::string& path, FwCfgKey size, FwCfgKey data) {
        BoardPropertyErrors named(errors, name);
        Bytes file;
        return context.read_file(path, false, std::min(file_limit(context), kLongestItem), file, named) &&
               set_fw_cfg_number(fw_cfg, size, std::uint32_t(file.size), errors) &&
               fw_cfg.set_item(std::uint16_t(data), file, errors);
    };
    if (!offer("kernel", files.kernel, FwCfgKey::KernelSize, FwCfgKey::KernelData)) return false;
    if (!files.initrd.empty() && !offer("initrd", files.initrd, FwCfgKey::InitrdSize, FwCfgKey::InitrdData))
        return false;
    if (files.arguments.empty()) return true;
    const Bytes text(reinterpret_cast<const std::uint8_t*>(files.arguments.c_str()),
                     files.arguments.size() + 1);
    return set_fw_cfg_number(fw_cfg, FwCfgKey::CommandLineSize, std::uint32_t(text.size), errors) &&
           fw_cfg.set_item(std::uint16_t(FwCfgKey::CommandLineData), text, errors);
}

void put32(TreeBytes& bytes, std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(std::uint8_t(value >> shift));
}
void put64(TreeBytes& bytes, std::uint64_t value) {
    put32(bytes, std::uint32_t(value));
    put32(bytes, std::uint32_t(value >> 32));
}

}  // namespace

bool load_files(BoardContext& context, FwCfg& fw_cfg, const BootFiles& files, BootPlan& plan,
                Errors& errors) {
    if (!check_files(files, errors)) return false;
    Placed firmware;
    if (!place_firmware(context, files, firmware, errors)) return false;
    const bool without_firmware = files.firmware == "none";
    plan = {.start = firmware.entry};
    if (files.flash0 && !without_firmware) {
        plan.payload = kFlash0.base;
        return files.kernel.empty() || offer_kernel(context, fw_cfg, files, errors);
    }
    if (files.flash0) plan.start = kFlash0.base;
    if (files.kernel.empty()) return true;
    Bytes file;
    Placed kernel;
    BoardPropertyErrors named(errors, "kernel");
    if (!context.read_file(files.kernel, false, file_limit(context), file, named)) return false;
    if (!place_image(context, "kernel", files.kernel, file, round_up(firmware.end, kKernelAlignment), kernel,
                     named))
        return false;
    plan.payload = kernel.entry;
    if (without_firmware && !files.flash0) plan.start = kernel.entry;
    return files.initrd.empty() || place_initrd(context, files, kernel, plan, errors);
}

std::uint64_t tree_address(std::uint64_t ram_size, std::uint64_t tree_size) {
    constexpr std::uint64_t kLeast = 1 * kMegabyte;  // the usual size of a tree with room for firmware
    return (kDram + ram_size - std::max(tree_size, kLeast)) / kKernelAlignment * kKernelAlignment;
}

TreeBytes reset_vector(const BootPlan& plan, std::uint64_t tree) {
    TreeBytes bytes;
    put32(bytes, 0x00000297);  // 1:  auipc t0, %pcrel_hi(fw_dynamic)
    put32(bytes, 0x02828613);  //     addi  a2, t0, %pcrel_lo(1b)
    put32(bytes, 0xf1402573);  //     csrr  a0, mhartid
    put32(bytes, 0x0202b583);  //     ld    a1, 32(t0)
    put32(bytes, 0x0182b283);  //     ld    t0, 24(t0)
    put32(bytes, 0x00028067);  //     jr    t0
    put64(bytes, plan.start);
    put64(bytes, tree);
    // struct fw_dynamic_info, version 2
    constexpr std::uint64_t kMagic = 0x4942534f;
    constexpr std::uint64_t kSupervisorMode = 1;
    put64(bytes, kMagic);
    put64(bytes, 2);
    put64(bytes, plan.payload);
    put64(bytes, kSupervisorMode);
    put64(bytes, 0);  // options
    put64(bytes, 0);  // boot hart
    return bytes;
}

}  // namespace backplane::riscv_virt
