// ELF kernels with an entry of the x86/HVM direct boot ABI (PVH): Xen's docs/misc/pvh.pandoc and its public headers
// elfnote.h and arch-x86/hvm/start_info.h.
#include "kernel_bytes.h"
#include "kernel_image.h"
#include "kernel_plan.h"

namespace backplane::pc {
namespace {

constexpr std::uint32_t kPhysical32Entry = 18;  // XEN_ELFNOTE_PHYS32_ENTRY

// struct hvm_start_info, version 1; behind it one struct hvm_modlist_entry, and the command line.
constexpr std::uint32_t kMagic = 0x336ec578, kVersion = 1;
constexpr std::size_t kMagicAt = 0, kVersionAt = 4, kModuleCountAt = 12, kModulesAt = 16, kCommandLineAt = 24,
                      kStartInfoSize = 56, kModuleSize = 32;
constexpr std::uint64_t kLongestCommandLine = 0x60000;

bool find_entry(const elf::ElfImage& image, std::uint32_t& entry, Errors& errors) {
    const Bytes note = elf::find_note(image, "Xen", kPhysical32Entry);
    if (note.size == 0) {
        const char* kind = image.wide ? "64-bit ELF file without the note XEN_ELFNOTE_PHYS32_ENTRY"
                                      : "32-bit ELF file without that note, and without a Multiboot header";
        return refuse(errors, std::string("is a ") + kind + ", so that nothing says how it is entered");
    }
    if (note.size != 4 && note.size != 8)
        return refuse(errors, "has a note XEN_ELFNOTE_PHYS32_ENTRY that is neither 4 nor 8 bytes long");
    const std::uint64_t value =
        note.size == 8 ? number_at<std::uint64_t>(note, 0) : number_at<std::uint32_t>(note, 0);
    if (value > 0xffffffff) return refuse(errors, "has its 32-bit entry above 4 GiB");
    entry = std::uint32_t(value);
    return true;
}

std::vector<std::uint8_t> start_info(const KernelPlan& plan, std::uint32_t place,
                                     const std::string& arguments) {
    std::vector<std::uint8_t> bytes(kStartInfoSize + kModuleSize);
    put_at(bytes, kMagicAt, kMagic);
    put_at(bytes, kVersionAt, kVersion);
    if (!plan.initrd.bytes.empty()) {
        put_at(bytes, kModuleCountAt, std::uint32_t{1});
        put_at(bytes, kModulesAt, std::uint64_t{place + kStartInfoSize});
        put_at(bytes, kStartInfoSize, std::uint64_t{plan.initrd.address});
        put_at(bytes, kStartInfoSize + 8, std::uint64_t{plan.initrd.bytes.size()});
    }
    put_at(bytes, kCommandLineAt, std::uint64_t{place + bytes.size()});
    bytes.insert(bytes.end(), arguments.begin(), arguments.end());
    bytes.push_back(0);
    return bytes;
}

}  // namespace

bool is_elf_kernel(Bytes file) { return elf::is_elf(file); }

bool plan_pvh(const KernelFiles& files, KernelPlan& plan, Errors& errors) {
    elf::ElfImage image;
    if (!elf::read_elf(files.kernel, image, errors, elf::ElfMachine::X86) ||
        !find_entry(image, plan.entry, errors))
        return false;
    plan.kind = KernelKind::Pvh;
    if (!place_segments(image.segments, files.ram, plan.kernel, errors) || !check_entry(plan, errors))
        return false;
    if (!files.modules.empty()) {
        const std::vector<std::uint8_t>& initrd = files.modules.front().bytes;
        const std::uint64_t place = highest_place(initrd.size(), files.ram, 0xffffffff, end_of(plan.kernel));
        if (place == 0) return refuse_initrd(errors, initrd.size(), files.ram);
        plan.initrd = {std::uint32_t(place), initrd};
    }
    if (files.arguments.size() > kLongestCommandLine)
        return refuse(errors, "takes a command line of 384 KiB, and -append has more");
    const std::uint32_t place = information_place(plan.kernel);
    plan.setup = {place, start_info(plan, place, files.arguments)};
    return plan.setup.bytes.size() <= kLowestPartsEnd - place ||
           refuse(errors,
                  "lies where it is to be told its command line: below 512 KiB there is no room left");
}

}  // namespace backplane::pc
