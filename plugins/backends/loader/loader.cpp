// The device "loader": puts a file or a value into memory, and says where a CPU starts. It is no hardware: the guest
// sees what it did and nothing of it.
//
// Follows QEMU's public description, docs/system/generic-loader.rst. Not here: Intel HEX and U-Boot's packed images.
#include <backplane/board.h>
#include <backplane/draft/cpu.h>
#include <backplane/draft/debug.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/sleep.h>
#include <backplane/text.h>
#include <lib/elf.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>

namespace backplane::loader {
namespace {

constexpr std::uint64_t kMegabyte = 1 << 20;
/// A file that holds more than goes into memory (an executable with its debugging information) may have this much.
constexpr std::uint64_t kLongExecutable = 1024 * kMegabyte;
constexpr std::uint32_t kNoCpu = 0xffff'ffff;

class Loader final : public DeviceBase {
  public:
    static const PropertyInfo kProperties[];

    explicit Loader(Object& object) : object_(object) {}

    bool realize(Errors& errors) override {
        DeviceContext& context = device_context(object_);
        debug_ = static_cast<DebugControl*>(context.host_interface(DebugControl::kId));
        sleep_ = static_cast<MachineSleep*>(context.host_interface(MachineSleep::kId));
        board_ = find_board();
        if (!board_ || !debug_ || !debug_->cpus().empty())
            return refuse(errors, "a machine is loaded when it is made, and not later");
        if (cpu_ != kNoCpu && cpu_ >= board_->topology().cpus)
            return refuse(errors, "property 'cpu-num': CPU " + std::to_string(cpu_) +
                                      " is nonexistent; the machine has " +
                                      std::to_string(board_->topology().cpus));
        start_ = address_.value_or(0);
        return check(errors) && (file_.empty() || load_file(errors));
    }

    /// A CPU's own reset, which comes before, has put it where its board says. Images come after: where a value lies
    /// in one, the image's bytes are what is seen.
    void reset(ResetPhase phase) override {
        if (phase != ResetPhase::Exit || sleep_->waking()) return;
        if (data_) write_value();
        if (cpu_ == kNoCpu) return;
        for (Cpu* cpu : debug_->cpus())
            if (cpu->index() == cpu_) cpu->set_program_counter(start_);
    }

    std::optional<std::uint64_t> address_, data_;
    std::string file_;
    std::uint32_t cpu_ = kNoCpu;
    std::uint8_t data_length_ = 0;
    bool big_endian_ = false, raw_ = false;

  private:
    static bool refuse(Errors& errors, const std::string& reason) {
        errors.fail(reason);
        return false;
    }

    BoardContext* find_board() {
        for (Object* at = object_.parent(); at; at = at->parent())
            if (auto* board = query<BoardContext>(*at)) return board;
        return nullptr;
    }

    /// What goes with what.
    bool check(Errors& errors) const {
        const bool value = data_ || data_length_ != 0 || big_endian_;
        if (!file_.empty() && value)
            return refuse(errors, "a file and a value are two things: give file=, or data= and data-len=");
        if (!file_.empty()) return true;
        if (raw_) return refuse(errors, "property 'force-raw' is for a file; give file=");
        if (value) return check_value(errors);
        if (!address_)
            return refuse(errors, "give file=, or addr= with data= and data-len=, or addr= with cpu-num=");
        return cpu_ != kNoCpu || refuse(errors, "property 'cpu-num' is missing: which CPU starts at addr=");
    }

    bool check_value(Errors& errors) const {
        if (!data_ || data_length_ == 0)
            return refuse(errors, "both data= and data-len=, its length in bytes, are needed");
        if (data_length_ > sizeof *data_)
            return refuse(errors, "property 'data-len': a value has at most 8 bytes");
        return address_ || refuse(errors, "property 'addr' is missing: where the value goes");
    }

    void write_value() {
        std::uint8_t bytes[sizeof *data_];
        for (unsigned i = 0; i < data_length_; ++i)
            bytes[big_endian_ ? data_length_ - 1 - i : i] = std::uint8_t(*data_ >> 8 * i);
        if (board_->dma().write(GuestAddress(*address_), {bytes, data_length_})) return;
        char text[64];
        std::snprintf(text, sizeof text, "addr=0x%llx: there is nothing to write to",
                      static_cast<unsigned long long>(*address_));
        device_context(object_).log().write(LogLevel::Warning, "loader", text);
    }

    bool load_file(Errors& errors) {
        Bytes file;
        const std::uint64_t limit = std::max(board_->ram().size(), kLongExecutable);
        if (!board_->read_file(file_, false, limit, file, errors)) return false;
        if (!raw_ && elf::is_elf(file)) return load_executable(file, errors);
        if (!raw_ && is_text(file)) return refuse(errors, packed("looks like Intel HEX", "make it binary"));
        if (!raw_ && is_packed(file)) return refuse(errors, packed("is a U-Boot image", "unpack it"));
        if (!address_)
            return refuse(errors, "property 'addr' is missing: '" + file_ + "' does not say where it goes");
        return board_->add_blob(file_, GuestAddress(*address_), file, errors);
    }

    bool load_executable(Bytes file, Errors& errors) {
        ErrorText reason;
        elf::ElfImage image;
        if (!elf::read_elf(file, image, reason))
            return refuse(errors, "property 'file': '" + file_ + "' " + reason.text());
        for (const elf::ElfSegment& segment : image.segments)
            if (!board_->add_segment(file_, GuestAddress(segment.address), segment.bytes, segment.memory_size,
                                     errors))
                return false;
        start_ = image.entry;
        return true;
    }

    static bool is_text(Bytes file) {
        constexpr std::size_t kRecordHead = 9;  // ":LLAAAATT"
        const auto digit = [](std::uint8_t c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); };
        return file.size > kRecordHead && file.data[0] == ':' &&
               std::all_of(file.data + 1, file.data + kRecordHead, digit);
    }
    static bool is_packed(Bytes file) {
        constexpr std::uint8_t kMagic[] = {0x27, 0x05, 0x19, 0x56};
        return file.size >= sizeof kMagic && std::memcmp(file.data, kMagic, sizeof kMagic) == 0;
    }
    std::string packed(const char* what, const char* remedy) const {
        return "property 'file': '" + file_ + "' " + what + ", which is not read: " + remedy +
               " first, or take it as it is with force-raw=on";
    }

    Object& object_;
    DebugControl* debug_ = nullptr;
    MachineSleep* sleep_ = nullptr;
    BoardContext* board_ = nullptr;
    std::uint64_t start_ = 0;  ///< where the CPU starts
};

template <auto Member>
constexpr PropertyInfo optional_number(const char* name, const char* summary) {
    return {.name = name,
            .kind = PropertyKind::UInt,
            .summary = summary,
            .set =
                [](void* part, const PropertyValue& value, Errors&) {
                    static_cast<Loader*>(part)->*Member = value.number;
                    return true;
                },
            .get =
                [](const void* part, PropertyValue& value) {
                    value.number = (static_cast<const Loader*>(part)->*Member).value_or(0);
                }};
}

constexpr PropertyInfo Loader::kProperties[] = {
    property<&Loader::file_>({.name = "file", .summary = "an executable, or bytes that go to addr="}),
    optional_number<&Loader::address_>("addr",
                                       "where a file's bytes or the value go, or where the CPU starts"),
    property<&Loader::cpu_>({.name = "cpu-num", .summary = "the CPU that starts there, by its index"}),
    property<&Loader::raw_>({.name = "force-raw", .summary = "take an executable as bytes, too"}),
    optional_number<&Loader::data_>("data", "a value"),
    property<&Loader::data_length_>(
        {.name = "data-len", .summary = "how many bytes of it are written, 1 to 8"}),
    property<&Loader::big_endian_>({.name = "data-be", .summary = "its most significant byte comes first"}),
};

constexpr TypeInfo kTypes[] = {
    device_type<Loader>({.name = "loader",
                         .summary = "puts a file or a value into memory, and starts a CPU there",
                         .user_creatable = true,
                         .category = "Misc",
                         .interfaces = kDeviceInterfaces<Loader>,
                         .properties = Loader::kProperties}),
};

}  // namespace
}  // namespace backplane::loader

BACKPLANE_PLUGIN("loader", "1.0", "Backplane", backplane::loader::kTypes)
