// Kernels of the Multiboot Specification 0.6.96 and their modules, as ELF files or with addresses in their header.
//
// Not here: a video mode (flag 2 of the header, which says what the kernel would like), drives and the APM table.
#include "kernel_bytes.h"
#include "kernel_image.h"
#include "kernel_plan.h"

#include <algorithm>

namespace backplane::pc {
namespace {

// 3.1.1
constexpr std::uint32_t kMagic = 0x1badb002;
constexpr std::size_t kSearched = 8192;
constexpr std::size_t kShortHeader = 12, kLongHeader = 32;
constexpr std::uint32_t kRequirements = 0xffff, kKnownRequirements = 0x7;
constexpr std::uint32_t kHasAddresses = 1 << 16;

// 3.3: flags, and where the fields lie.
constexpr std::uint32_t kMemory = 1 << 0, kBootDevice = 1 << 1, kCommandLine = 1 << 2, kModules = 1 << 3,
                        kMemoryMap = 1 << 6, kLoaderName = 1 << 9;
constexpr std::size_t kFlagsAt = 0, kBootDeviceAt = 12, kCommandLineAt = 16, kModuleCountAt = 20,
                      kModulesAt = 24, kLoaderNameAt = 64, kInformationSize = 88, kModuleSize = 16;
constexpr std::uint32_t kFirstDisk = 0x8000ffff;  // no partition

/// Where the header lies; `file.size` for nowhere.
std::size_t find_header(Bytes file) {
    const std::size_t end = std::min(file.size, kSearched);
    for (std::size_t at = 0; at + kShortHeader <= end; at += 4) {
        if (number_at<std::uint32_t>(file, at) != kMagic) continue;
        const auto flags = number_at<std::uint32_t>(file, at + 4);
        const auto sum = number_at<std::uint32_t>(file, at + 8);
        if (std::uint32_t(kMagic + flags + sum) == 0) return at;
    }
    return file.size;
}

/// 3.1.3: the header says what of the file goes where.
bool place_by_addresses(Bytes file, std::size_t at, std::uint64_t ram, KernelPlan& plan, Errors& errors) {
    if (file.size - at < kLongHeader)
        return refuse(errors, "is cut short: it ends within its Multiboot header");
    const auto field = [&](std::size_t offset) { return number_at<std::uint32_t>(file, at + offset); };
    const std::uint64_t header = field(12), load = field(16), load_end = field(20), bss_end = field(24);
    if (load > header || header - load > at)
        return refuse(errors, "has a Multiboot header whose addresses do not fit the file: it would be "
                              "loaded from ahead of its start");
    const std::size_t start = at - std::size_t(header - load);
    const std::uint64_t size = load_end == 0 ? file.size - start : load_end - load;
    if ((load_end != 0 && load_end < load) || size > file.size - start)
        return refuse(errors, "is cut short: its Multiboot header tells of more than the file has");
    const std::uint64_t memory = std::max(bss_end > load ? bss_end - load : 0, size);
    plan.entry = field(28);
    return place_segments({{load, memory, {file.data + start, std::size_t(size)}}}, ram, plan.kernel, errors);
}

bool place_elf(Bytes file, std::uint64_t ram, KernelPlan& plan, Errors& errors) {
    if (!elf::is_elf(file))
        return refuse(errors, "has a Multiboot header without addresses, and is no ELF file that has them");
    elf::ElfImage image;
    if (!elf::read_elf(file, image, errors, elf::ElfMachine::X86)) return false;
    if (image.wide)
        return refuse(errors, "is a 64-bit ELF file, and Multiboot kernels start in 32-bit mode: give a "
                              "32-bit one");
    plan.entry = std::uint32_t(image.entry);
    return place_segments(image.segments, ram, plan.kernel, errors);
}

/// 3.3: what tells the kernel of its command line and modules; loader_rom.S adds what memory there is.
class Information {
  public:
    Information(std::uint32_t place, std::size_t modules) : place_(place) {
        bytes_.resize(kInformationSize + modules * kModuleSize);
        put(kModuleCountAt, std::uint32_t(modules));
        put(kModulesAt, place_ + std::uint32_t(kInformationSize));
        put(kBootDeviceAt, kFirstDisk);
        const std::uint32_t flags = kMemory | kBootDevice | kCommandLine | kMemoryMap | kLoaderName;
        put(kFlagsAt, flags | (modules ? kModules : 0));
    }
    void put(std::size_t at, std::uint32_t value) { put_at(bytes_, at, value); }
    void put_text(std::size_t at, const std::string& text) {
        put(at, place_ + std::uint32_t(bytes_.size()));
        bytes_.insert(bytes_.end(), text.begin(), text.end());
        bytes_.push_back(0);
    }
    std::vector<std::uint8_t> take() { return std::move(bytes_); }

  private:
    const std::uint32_t place_;
    std::vector<std::uint8_t> bytes_;
};

/// Each module on a page of its own, all of them behind the kernel.
bool place_modules(const KernelFiles& files, Information& information, KernelPlan& plan, Errors& errors) {
    const std::uint64_t start = round_up(end_of(plan.kernel), kPage);
    const std::uint64_t room = files.ram > start + kFirmwareTables ? files.ram - start - kFirmwareTables : 0;
    std::vector<std::uint8_t>& all = plan.initrd.bytes;
    for (std::size_t index = 0; index < files.modules.size(); ++index) {
        const KernelModule& module = files.modules[index];
        all.resize(round_up(all.size(), kPage));
        if (module.bytes.size() > room || all.size() > room - module.bytes.size())
            return refuse(errors, "cannot have its module '" + module.text + "' of " +
                                      std::to_string(module.bytes.size()) +
                                      " bytes: there is no memory left for it behind the kernel");
        const std::size_t row = kInformationSize + index * kModuleSize;
        const std::uint64_t address = start + all.size();
        information.put(row, std::uint32_t(address));
        information.put(row + 4, std::uint32_t(address + module.bytes.size()));
        information.put_text(row + 8, module.text);
        all.insert(all.end(), module.bytes.begin(), module.bytes.end());
    }
    plan.initrd.address = std::uint32_t(start);
    return true;
}

}  // namespace

bool is_multiboot_kernel(Bytes file) { return find_header(file) != file.size; }

bool plan_multiboot(const KernelFiles& files, KernelPlan& plan, Errors& errors) {
    const Bytes file = files.kernel;
    const std::size_t header = find_header(file);
    if (header == file.size) return refuse(errors, "has no Multiboot header");
    const auto flags = number_at<std::uint32_t>(file, header + 4);
    if (flags & kRequirements & ~kKnownRequirements)
        return refuse(errors, "asks in its Multiboot header for what is not known here: flags 0-2 are");
    plan.kind = KernelKind::Multiboot;
    const bool placed = flags & kHasAddresses ? place_by_addresses(file, header, files.ram, plan, errors)
                                              : place_elf(file, files.ram, plan, errors);
    if (!placed || !check_entry(plan, errors)) return false;
    const std::uint32_t place = information_place(plan.kernel);
    Information information(place, files.modules.size());
    if (!place_modules(files, information, plan, errors)) return false;
    information.put_text(kCommandLineAt,
                         files.arguments.empty() ? files.name : files.name + " " + files.arguments);
    information.put_text(kLoaderNameAt, "backplane");
    plan.setup = {place, information.take()};
    return plan.setup.bytes.size() <= kLowestPartsEnd - place ||
           refuse(errors, "cannot be told its command line and modules: they have more than " +
                              std::to_string((kLowestPartsEnd - place) / 1024) + " KiB");
}

}  // namespace backplane::pc
