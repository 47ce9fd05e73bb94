// -kernel, -initrd and -append: read, taken apart, and laid into the configuration device for the option ROM.
#include "board.h"
#include "kernel_plan.h"

#include <backplane/fw_cfg.h>
#include <backplane/text.h>

namespace backplane::pc {
namespace {

/// A file that holds more than goes into memory (an executable with its debugging information) may have this much.
constexpr std::uint64_t kLongestFile = 1024 * kMebibyte;

/// Of the option ROMs as firmware and guests know them, with DMA or by bytes.
const char* rom_name(KernelKind kind, bool dma) {
    switch (kind) {
    case KernelKind::Linux: return dma ? "linuxboot_dma.bin" : "linuxboot.bin";
    case KernelKind::Multiboot: return dma ? "multiboot_dma.bin" : "multiboot.bin";
    default: return "pvh.bin";
    }
}

/// Errors that name the kernel's file.
class KernelErrors final : public Errors {
  public:
    KernelErrors(Errors& errors, const std::string& path)
        : errors_(errors, "kernel"), prefix_("kernel '" + path + "' ") {}
    void fail(Str message) override { errors_.fail(prefix_ + std::string(message.view())); }

  private:
    BoardPropertyErrors errors_;
    std::string prefix_;
};

struct PartKeys {
    FwCfgKey address, size, data;
};
constexpr PartKeys kSetupKeys{FwCfgKey::SetupAddress, FwCfgKey::SetupSize, FwCfgKey::SetupData};
constexpr PartKeys kKernelKeys{FwCfgKey::KernelAddress, FwCfgKey::KernelSize, FwCfgKey::KernelData};
constexpr PartKeys kInitrdKeys{FwCfgKey::InitrdAddress, FwCfgKey::InitrdSize, FwCfgKey::InitrdData};
constexpr PartKeys kCommandLineKeys{FwCfgKey::CommandLineAddress, FwCfgKey::CommandLineSize,
                                    FwCfgKey::CommandLineData};

bool offer(FwCfg& fw_cfg, const KernelPart& part, const PartKeys& keys, Errors& errors) {
    if (part.bytes.empty()) return true;
    return set_fw_cfg_number(fw_cfg, keys.address, part.address, errors) &&
           set_fw_cfg_number(fw_cfg, keys.size, std::uint32_t(part.bytes.size()), errors) &&
           fw_cfg.set_item(std::uint16_t(keys.data), Bytes(part.bytes), errors);
}

bool offer_all(FwCfg& fw_cfg, const KernelPlan& plan, Errors& errors) {
    return offer(fw_cfg, plan.setup, kSetupKeys, errors) && offer(fw_cfg, plan.kernel, kKernelKeys, errors) &&
           offer(fw_cfg, plan.initrd, kInitrdKeys, errors) &&
           offer(fw_cfg, plan.command_line, kCommandLineKeys, errors) &&
           (plan.kind == KernelKind::Linux ||
            set_fw_cfg_number(fw_cfg, FwCfgKey::KernelEntry, plan.entry, errors));
}

bool read_whole(BoardContext& context, const std::string& path, std::vector<std::uint8_t>& bytes,
                Errors& errors) {
    Bytes file;
    if (!context.read_file(path, false, kLongestFile, file, errors)) return false;
    bytes.assign(file.begin(), file.end());
    return true;
}

/// A Multiboot kernel has a list of modules, each a file and what the module is told; others have one file.
bool read_modules(BoardContext& context, const std::string& initrd, KernelFiles& files, Errors& errors) {
    if (initrd.empty()) return true;
    BoardPropertyErrors named(errors, "initrd");
    if (is_linux_kernel(files.kernel) || !is_multiboot_kernel(files.kernel))
        return read_whole(context, initrd, files.modules.emplace_back().bytes, named);
    for (const std::string& text : split_modules(initrd)) {
        KernelModule& module = files.modules.emplace_back();
        module.text = text;
        ErrorText reason;
        if (!read_whole(context, text.substr(0, text.find(' ')), module.bytes, reason)) {
            named.fail("initrd '" + initrd + "': " + reason.text());
            return false;
        }
    }
    return true;
}

}  // namespace

bool PcBoard::load_kernel(BoardContext& context, FwCfg& fw_cfg, Errors& errors) {
    if (kernel_.empty()) return true;
    std::vector<std::uint8_t> kernel;
    KernelFiles files;
    BoardPropertyErrors of_kernel(errors, "kernel");
    if (!read_whole(context, kernel_, kernel, of_kernel)) return false;
    files.kernel = Bytes(kernel);
    files.name = kernel_;
    files.arguments = arguments_;
    files.ram = low_ram_;
    if (!read_modules(context, initrd_, files, errors)) return false;
    KernelPlan plan;
    KernelErrors named(errors, kernel_);
    if (!plan_kernel(files, plan, named) || !offer_all(fw_cfg, plan, errors)) return false;
    TextBuffer dma;
    if (!chip("fw_cfg").get_property("dma_enabled", dma, errors)) return false;
    const std::string rom = std::string("genroms/") + rom_name(plan.kind, dma.text() == "on");
    kernel_rom_ = "/rom@" + rom;
    return fw_cfg.set_file(rom, Bytes(make_loader_rom(plan.kind)), errors);
}

}  // namespace backplane::pc
