// xp and x, memsave, pmemsave and sum: guest memory as a debugger reads it, without side effects.
#include "kernel/management/management.h"
#include "kernel/management/stopped_cpus.h"
#include "kernel/management/value_format.h"

#include <backplane/draft/cpu.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <lib/json.h>

namespace backplane::kernel {
namespace {

using Kind = ArgumentKind;
constexpr std::size_t kPageSize = 4096;

/// `load` gives the bytes at an address, or false when there are none.
Json dump(const Call& call, const std::function<bool(std::uint64_t, MutableBytes)>& load) {
    const ValueFormat format = read_value_format(call.text("format"));
    std::uint64_t address = call.number("address");
    const unsigned per_line = format.letter == 'c' ? 8 : 16 / format.size;
    std::string text;
    char label[20];
    for (std::uint64_t i = 0; i < format.count; ++i, address += format.size) {
        std::uint8_t bytes[8] = {};
        if (!load(address, {bytes, format.size})) {
            if (text.empty()) fail_command("Cannot access memory");
            std::snprintf(label, sizeof label, "%016llx", static_cast<unsigned long long>(address));
            return readable(text + "\nCannot access memory at 0x" + label + "\n");
        }
        if (i % per_line == 0) {
            std::snprintf(label, sizeof label, "%016llx:", static_cast<unsigned long long>(address));
            text += (i ? "\n" : "") + std::string(label);
        }
        std::uint64_t value = 0;
        for (unsigned b = 0; b < format.size; ++b) value |= std::uint64_t(bytes[b]) << (8 * b);
        text += " " + value_text(format, value);
    }
    return readable(text + "\n");
}

bool load_physical(AddressSpace& memory, std::uint64_t address, MutableBytes to) {
    Access access{.intent = Intent::Debug};
    return memory.read(GuestAddress(address), to, access);
}

Json examine_physical(const Call& call) {
    AddressSpace& memory = call.machine.system_memory();
    return dump(call,
                [&](std::uint64_t address, MutableBytes to) { return load_physical(memory, address, to); });
}

Json examine_virtual(const Call& call) {
    Cpu* cpu = call.host.current_cpu();
    if (!cpu) fail_command("no CPU available");
    const StoppedCpus stopped(call.machine);
    // A value may lie across two pages.
    return dump(call, [&](std::uint64_t address, MutableBytes to) {
        for (std::size_t i = 0; i < to.size; ++i) {
            GuestAddress physical;
            if (!cpu->translate_debug(address + i, physical)) return false;
            if (!load_physical(cpu->address_space(), physical.value, {to.data + i, 1})) return false;
        }
        return true;
    });
}

/// A file that is being written; what the host refuses is the command's error.
class OutputFile {
  public:
    explicit OutputFile(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "wbe")) {
        if (!file_) fail_command("Could not open '" + path_ + "': " + std::strerror(errno));
    }
    void write(const std::uint8_t* bytes, std::size_t size) {
        if (std::fwrite(bytes, 1, size, file_.get()) != size) fail();
    }
    void close() {
        if (std::fclose(file_.release()) != 0) fail();
    }

  private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    [[noreturn]] void fail() const { fail_command("Error writing '" + path_ + "': " + std::strerror(errno)); }
    std::string path_;
    std::unique_ptr<std::FILE, Close> file_;
};

/// Where nothing is, zeros are saved.
Json save_physical(const Call& call) {
    OutputFile file(call.text("filename"));
    std::uint8_t page[kPageSize];
    std::uint64_t address = call.number("val");
    for (std::uint64_t left = call.number("size"); left > 0;) {
        const std::size_t size = std::min<std::uint64_t>(left, kPageSize - address % kPageSize);
        if (!load_physical(call.machine.system_memory(), address, {page, size}))
            std::fill_n(page, size, std::uint8_t{0});
        file.write(page, size);
        address += size;
        left -= size;
    }
    file.close();
    return Json::object();
}

Cpu& chosen_cpu(const Call& call) {
    if (!call.arguments.contains("cpu-index")) {
        if (Cpu* cpu = call.host.current_cpu()) return *cpu;
        fail_command("no CPU available");
    }
    for (Cpu* cpu : call.machine.cpus())
        if (cpu->index() == call.number("cpu-index")) return *cpu;
    fail_command("Parameter 'cpu-index' expects a CPU number");
}

Json save_virtual(const Call& call) {
    Cpu& cpu = chosen_cpu(call);
    OutputFile file(call.text("filename"));
    const StoppedCpus stopped(call.machine);
    std::uint8_t page[kPageSize];
    std::uint64_t address = call.number("val");
    const std::uint64_t whole = call.number("size");
    for (std::uint64_t left = whole; left > 0;) {
        const std::size_t size = std::min<std::uint64_t>(left, kPageSize - address % kPageSize);
        GuestAddress physical;
        if (!cpu.translate_debug(address, physical) ||
            !load_physical(cpu.address_space(), physical.value, {page, size})) {
            char start[20];
            std::snprintf(start, sizeof start, "0x%016llx",
                          static_cast<unsigned long long>(call.number("val")));
            fail_command(std::string("Invalid addr ") + start + "/size " + std::to_string(whole) +
                         " specified");
        }
        file.write(page, size);
        address += size;
        left -= size;
    }
    file.close();
    return Json::object();
}

/// As sum(1) of BSD adds bytes up.
Json add_up(const Call& call) {
    std::uint64_t address = call.number("start");
    std::uint16_t sum = 0;
    for (std::uint64_t left = call.number("size"); left > 0; --left, ++address) {
        std::uint8_t byte = 0;
        if (!load_physical(call.machine.system_memory(), address, {&byte, 1})) byte = 0;
        sum = std::uint16_t((sum >> 1 | sum << 15) + byte);
    }
    char text[8];
    std::snprintf(text, sizeof text, "%05u\n", unsigned{sum});
    return readable(text);
}

constexpr ArgumentInfo kSaved[] = {{.name = "val", .kind = Kind::Number, .summary = "where it begins"},
                                   {.name = "size", .kind = Kind::Number, .summary = "bytes"},
                                   {.name = "filename"}};
constexpr ArgumentInfo kSavedOfCpu[] = {
    {.name = "val", .kind = Kind::Number, .summary = "where it begins"},
    {.name = "size", .kind = Kind::Number, .summary = "bytes"},
    {.name = "filename"},
    {.name = "cpu-index", .kind = Kind::Number, .required = false, .summary = "as which CPU sees it"}};
constexpr ArgumentInfo kSummed[] = {{.name = "start", .kind = Kind::Number},
                                    {.name = "size", .kind = Kind::Number, .summary = "bytes"}};
constexpr ArgumentInfo kExamined[] = {{.name = "format", .kind = Kind::Format, .required = false},
                                      {.name = "address", .kind = Kind::Number}};
constexpr CoreCommand kMemoryCommands[] = {
    {{.human = "xp", .summary = "physical memory, as /4xw 0x80000000", .arguments = kExamined},
     examine_physical},
    {{.human = "x", .summary = "virtual memory as the CPU sees it", .arguments = kExamined}, examine_virtual},
    {{.name = "memsave",
      .human = "memsave",
      .summary = "virtual memory as a CPU sees it, into a file",
      .arguments = kSavedOfCpu},
     save_virtual},
    {{.name = "pmemsave",
      .human = "pmemsave",
      .summary = "physical memory, into a file",
      .arguments = kSaved},
     save_physical},
    {{.human = "sum", .summary = "a checksum of physical memory", .arguments = kSummed}, add_up},
};

}  // namespace

Slice<const CoreCommand> memory_commands() { return kMemoryCommands; }

}  // namespace backplane::kernel
