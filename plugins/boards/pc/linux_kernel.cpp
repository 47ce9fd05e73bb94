// Linux kernels of the bzImage and zImage formats: "The Linux/x86 Boot Protocol" (Documentation/arch/x86/boot.rst),
// 2.00 to 2.15, entered in real mode.
//
// Not here: older kernels than 2.00, and mem= of the command line, which only moves the end of RAM.
#include "kernel_bytes.h"
#include "kernel_plan.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace backplane::pc {
namespace {

// "The Real-Mode Kernel Header": offsets of its fields.
constexpr std::size_t kSetupSectors = 0x1f1;
constexpr std::size_t kSystemSize = 0x1f4;
constexpr std::size_t kVideoMode = 0x1fa;
constexpr std::size_t kBootFlag = 0x1fe;
constexpr std::size_t kMagic = 0x202;
constexpr std::size_t kVersion = 0x206;
constexpr std::size_t kLoaderType = 0x210;
constexpr std::size_t kLoadFlags = 0x211;
constexpr std::size_t kInitrdAddress = 0x218;
constexpr std::size_t kInitrdSize = 0x21c;
constexpr std::size_t kHeapEnd = 0x224;
constexpr std::size_t kCommandLine = 0x228;
constexpr std::size_t kInitrdLimit = 0x22c;
constexpr std::size_t kMoreLoadFlags = 0x236;
constexpr std::size_t kCommandLineSize = 0x238;
constexpr std::size_t kHeaderEnd = 0x268;
// "The Kernel Command Line": where protocols older than 2.02 look for it.
constexpr std::size_t kOldCommandLineMagic = 0x20;
constexpr std::size_t kOldCommandLine = 0x22;

constexpr std::size_t kSector = 512;
constexpr std::uint8_t kLoadedHigh = 0x01, kCanUseHeap = 0x80;
constexpr std::uint8_t kQemu = 0xb0;  // "type_of_loader": what guests of these boards have always seen
constexpr std::uint16_t kReachesFourGibibytes = 0x02;

/// "Memory Layout": where the parts go.
struct Layout {
    std::uint32_t setup, command_line_end, kernel;
};
constexpr Layout kLow{0x90000, 0x9a000, 0x10000};
constexpr Layout kOldHigh{0x90000, 0x9a000, 0x100000};
constexpr Layout kHigh{0x10000, 0x30000, 0x100000};
constexpr std::uint32_t kHighCommandLine = 0x20000;
constexpr std::uint64_t kLowKernelEnd = 0x90000;

struct Header {
    std::uint16_t version;
    bool high;
    std::size_t setup_size;
    std::uint64_t initrd_limit;
    std::uint64_t longest_command_line;  ///< without the zero behind it
};

std::string bytes_text(std::uint64_t count) { return std::to_string(count) + " bytes"; }

bool read_header(Bytes file, Header& header, Errors& errors) {
    if (file.size < kHeaderEnd) return refuse(errors, "is cut short: it ends within its setup header");
    if (number_at<std::uint16_t>(file, kBootFlag) != 0xaa55)
        return refuse(errors, "is damaged: its setup header has no boot flag");
    header.version = number_at<std::uint16_t>(file, kVersion);
    if (header.version < 0x200 || header.version >= 0x300)
        return refuse(errors, "is of a boot protocol that is not known: 2.00 to 2.15 are");
    const unsigned sectors = file.data[kSetupSectors] ? file.data[kSetupSectors] : 4;
    header.setup_size = (sectors + 1) * kSector;
    if (header.setup_size >= file.size)
        return refuse(errors, "is cut short: its header tells of " + bytes_text(header.setup_size) +
                                  " of setup and a kernel behind it, and it has " + bytes_text(file.size));
    const std::uint64_t body = file.size - header.setup_size;
    // "syssize": not to be trusted ahead of 2.04.
    const std::uint64_t told = std::uint64_t{number_at<std::uint32_t>(file, kSystemSize)} * 16;
    if (header.version >= 0x204 && told > round_up(body, 16))
        return refuse(errors, "is cut short: its header tells of " + bytes_text(told + header.setup_size) +
                                  ", and it has " + bytes_text(file.size));
    header.high = file.data[kLoadFlags] & kLoadedHigh;
    header.initrd_limit = header.version >= 0x203 ? number_at<std::uint32_t>(file, kInitrdLimit) : 0x37ffffff;
    if (header.version >= 0x20c && number_at<std::uint16_t>(file, kMoreLoadFlags) & kReachesFourGibibytes)
        header.initrd_limit = 0xffffffff;
    header.longest_command_line =
        header.version >= 0x206 ? number_at<std::uint32_t>(file, kCommandLineSize) : 255;
    return true;
}

/// "Special Command Line Options": vga= is for the loader.
bool video_mode(const std::string& arguments, std::uint16_t& mode, Errors& errors) {
    constexpr std::string_view kOption = "vga=";
    std::size_t at = arguments.starts_with(kOption) ? 0 : arguments.find(" vga=");
    if (at == std::string::npos) return true;
    at = arguments.find('=', at) + 1;
    std::string_view text(arguments);
    text = text.substr(at, std::min(text.find(' ', at), text.size()) - at);
    if (text == "normal") mode = 0xffff;
    else if (text == "ext") mode = 0xfffe;
    else if (text == "ask") mode = 0xfffd;
    else {
        const bool hexadecimal = text.starts_with("0x");
        if (hexadecimal) text.remove_prefix(2);
        const auto [end, error] =
            std::from_chars(text.data(), text.data() + text.size(), mode, hexadecimal ? 16 : 10);
        if (error != std::errc() || end != text.data() + text.size())
            return refuse(errors, "cannot be told 'vga=" + std::string(text) +
                                      "': it is a number, normal, ext or ask");
    }
    return true;
}

bool place_command_line(const KernelFiles& files, const Header& header, const Layout& layout,
                        KernelPlan& plan, Errors& errors) {
    const std::size_t size = files.arguments.size() + 1;
    const std::uint64_t room = layout.command_line_end - layout.setup - header.setup_size;
    const std::uint64_t most = std::min(header.longest_command_line, room);
    if (files.arguments.size() > most)
        return refuse(errors, "takes a command line of " + bytes_text(most) + ", and -append has " +
                                  bytes_text(files.arguments.size()));
    const bool fixed = layout.command_line_end == kHigh.command_line_end;
    plan.command_line.address =
        fixed ? kHighCommandLine : std::uint32_t((layout.command_line_end - size) & ~std::size_t{15});
    plan.command_line.bytes.assign(files.arguments.begin(), files.arguments.end());
    plan.command_line.bytes.push_back(0);
    return true;
}

bool place_linux_initrd(const KernelFiles& files, const Header& header, KernelPlan& plan, Errors& errors) {
    if (files.modules.empty()) return true;
    const std::vector<std::uint8_t>& initrd = files.modules.front().bytes;
    const std::uint64_t floor = std::max(plan.kernel.address + plan.kernel.bytes.size(), kMebibyte);
    const std::uint64_t place = highest_place(initrd.size(), files.ram, header.initrd_limit, floor);
    if (place == 0) return refuse_initrd(errors, initrd.size(), files.ram);
    plan.initrd = {std::uint32_t(place), initrd};
    return true;
}

/// What a loader says in the header.
bool write_header(const KernelFiles& files, const Header& header, KernelPlan& plan, Errors& errors) {
    std::vector<std::uint8_t>& setup = plan.setup.bytes;
    std::uint16_t mode = number_at<std::uint16_t>(Bytes(setup), kVideoMode);
    if (!video_mode(files.arguments, mode, errors)) return false;
    put_at(setup, kVideoMode, mode);
    setup[kLoaderType] = kQemu;
    const std::uint32_t command_line = plan.command_line.address - plan.setup.address;
    if (header.version >= 0x201) setup[kLoadFlags] |= kCanUseHeap;
    put_at(setup, kHeapEnd, std::uint16_t(command_line - kSector));
    if (header.version >= 0x202) put_at(setup, kCommandLine, plan.command_line.address);
    else {
        put_at(setup, kOldCommandLineMagic, std::uint16_t{0xa33f});
        put_at(setup, kOldCommandLine, std::uint16_t(command_line));
    }
    if (plan.initrd.bytes.empty()) return true;
    put_at(setup, kInitrdAddress, plan.initrd.address);
    put_at(setup, kInitrdSize, std::uint32_t(plan.initrd.bytes.size()));
    return true;
}

}  // namespace

bool is_linux_kernel(Bytes file) {
    return file.size >= kMagic + 4 && std::memcmp(file.data + kMagic, "HdrS", 4) == 0;
}

bool plan_linux(const KernelFiles& files, KernelPlan& plan, Errors& errors) {
    Header header{};
    if (!read_header(files.kernel, header, errors)) return false;
    const Layout& layout = !header.high ? kLow : header.version < 0x202 ? kOldHigh : kHigh;
    const std::size_t body = files.kernel.size - header.setup_size;
    const std::uint64_t end = layout.kernel + std::uint64_t{body};
    if (end > (header.high ? files.ram : kLowKernelEnd))
        return refuse(errors, "has a kernel of " + bytes_text(body) + " and does not fit into memory" +
                                  (header.high ? "" : " below 576 KiB, where its format has it"));
    plan.kind = KernelKind::Linux;
    plan.setup = {layout.setup, {files.kernel.data, files.kernel.data + header.setup_size}};
    plan.kernel = {layout.kernel,
                   {files.kernel.data + header.setup_size, files.kernel.data + files.kernel.size}};
    return place_command_line(files, header, layout, plan, errors) &&
           place_linux_initrd(files, header, plan, errors) && write_header(files, header, plan, errors);
}

}  // namespace backplane::pc
