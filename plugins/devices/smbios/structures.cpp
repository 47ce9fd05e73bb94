#include "structures.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace backplane::smbios {
namespace {

constexpr std::size_t kHeader = 4;

// 6.1, and the handles that others refer to.
enum Type : std::uint8_t {
    kFirmware = 0,
    kSystem = 1,
    kBaseboard = 2,
    kChassis = 3,
    kProcessor = 4,
    kPort = 8,
    kSlot = 9,
    kOemStrings = 11,
    kMemoryArray = 16,
    kMemoryDevice = 17,
    kMappedAddress = 19,
    kBootStatus = 32,
    kOnboardDevice = 41,
    kEnd = 127,
};
constexpr std::uint16_t first_handle(Type type) { return std::uint16_t(type << 8); }
constexpr std::uint16_t kNoHandle = 0xfffe;
constexpr std::uint16_t kUnknownHandle = 0xffff;
constexpr std::uint64_t kKilobyte = 1 << 10, kMegabyte = 1 << 20;

/// One structure in the making: the formatted area, then its strings.
class Structure {
  public:
    Structure(Type type, std::uint16_t handle) { byte(type).byte(0).word(handle); }
    Structure& byte(std::uint64_t value) { return put(value, 1); }
    Structure& word(std::uint64_t value) { return put(value, 2); }
    Structure& dword(std::uint64_t value) { return put(value, 4); }
    Structure& qword(std::uint64_t value) { return put(value, 8); }
    /// The number of a string; 0 stands for an empty one (6.1.3).
    Structure& text(const std::string& value) {
        if (value.empty()) return byte(0);
        strings_.push_back(value);
        return byte(strings_.size());
    }
    Structure& bytes(const Buffer& more) {
        bytes_.insert(bytes_.end(), more.begin(), more.end());
        return *this;
    }
    /// A string that no field refers to.
    void loose(const std::string& value) { strings_.push_back(value); }

    void finish(Buffer& out) {
        bytes_[1] = std::uint8_t(bytes_.size());
        for (const std::string& value : strings_) {
            bytes_.insert(bytes_.end(), value.begin(), value.end());
            bytes_.push_back(0);
        }
        bytes_.push_back(0);
        if (strings_.empty()) bytes_.push_back(0);
        out.insert(out.end(), bytes_.begin(), bytes_.end());
    }

  private:
    Structure& put(std::uint64_t value, unsigned size) {
        while (size-- > 0) {
            bytes_.push_back(std::uint8_t(value));
            value >>= 8;
        }
        return *this;
    }

    Buffer bytes_;
    std::vector<std::string> strings_;
};

/// 7.2.1: the first three fields are little-endian numbers.
Buffer uuid_bytes(const Uuid& uuid) {
    Buffer bytes(uuid.begin(), uuid.end());
    std::reverse(bytes.begin(), bytes.begin() + 4);
    std::reverse(bytes.begin() + 4, bytes.begin() + 6);
    std::reverse(bytes.begin() + 6, bytes.begin() + 8);
    return bytes;
}

class Maker {
  public:
    Maker(const Facts& facts, const Wishes& wishes, bool wide)
        : facts_(facts), wishes_(wishes), wide_(wide) {}

    Buffer make() {
        out_ = wishes_.ready;
        if (wanted(kFirmware) && given(kFirmware)) firmware();
        if (wanted(kSystem)) system();
        if (wanted(kBaseboard) && given(kBaseboard)) baseboard();
        if (wanted(kChassis)) chassis();
        if (wanted(kProcessor))
            for (std::uint32_t socket = 0; socket < facts_.sockets; ++socket) processor(socket);
        std::uint16_t handle = first_handle(kPort);
        for (const Fields& port : wishes_.ports) ports(port, handle++);
        handle = first_handle(kSlot);
        for (const Fields& slot : wishes_.slots) slots(slot, handle++);
        if (wanted(kOemStrings) && given(kOemStrings)) oem_strings();
        memory();
        if (wanted(kBootStatus)) boot_status();
        handle = first_handle(kOnboardDevice);
        for (std::size_t i = 0; i < wishes_.onboard.size(); ++i) onboard(wishes_.onboard[i], handle++, i + 1);
        Structure(kEnd, first_handle(kEnd)).finish(out_);
        return out_;
    }

  private:
    /// Not one that was given ready-made.
    bool wanted(unsigned type) const { return !wishes_.ready_types.contains(type); }
    bool given(unsigned type) const { return wishes_.types.contains(type); }
    const Fields& fields(unsigned type) const {
        static const Fields kNone{};
        const auto found = wishes_.types.find(type);
        return found == wishes_.types.end() ? kNone : found->second;
    }

    void firmware() {  // 7.1
        constexpr std::uint64_t kCharacteristicsUnknown = 1 << 3;
        constexpr unsigned kTargetedContent = 1 << 2, kUefi = 1 << 3, kVirtualMachine = 1 << 4;
        const Fields& f = fields(kFirmware);
        unsigned major = 0, minor = 0;
        std::sscanf(f.text("release").c_str(), "%u.%u", &major, &minor);
        Structure(kFirmware, first_handle(kFirmware))
            .text(f.text("vendor"))
            .text(f.text("version"))
            .word(0xe800)  // where it starts, as a segment
            .text(f.text("date"))
            .byte(0)  // its size
            .qword(kCharacteristicsUnknown)
            .byte(0)
            .byte(kTargetedContent | kVirtualMachine | (f.text("uefi") == "on" ? kUefi : 0))
            .byte(major)
            .byte(minor)
            .word(0xffff)  // no embedded controller
            .finish(out_);
    }

    void system() {  // 7.2
        constexpr unsigned kPowerSwitch = 6;
        const Fields& f = fields(kSystem);
        Structure structure(kSystem, first_handle(kSystem));
        structure.text(f.text("manufacturer", facts_.manufacturer))
            .text(f.text("product", facts_.product))
            .text(f.text("version", facts_.version))
            .text(f.text("serial"))
            .bytes(uuid_bytes(parse_uuid(f.text("uuid")).value_or(wishes_.uuid)))
            .byte(kPowerSwitch)
            .text(f.text("sku"))
            .text(f.text("family"))
            .finish(out_);
    }

    void baseboard() {  // 7.3
        constexpr unsigned kHostingBoard = 1, kMotherboard = 10;
        const Fields& f = fields(kBaseboard);
        Structure(kBaseboard, first_handle(kBaseboard))
            .text(f.text("manufacturer", facts_.manufacturer))
            .text(f.text("product", facts_.product))
            .text(f.text("version", facts_.version))
            .text(f.text("serial"))
            .text(f.text("asset"))
            .byte(kHostingBoard)
            .text(f.text("location"))
            .word(first_handle(kChassis))
            .byte(kMotherboard)
            .byte(0)
            .finish(out_);
    }

    void chassis() {  // 7.4
        constexpr unsigned kOther = 1, kUnknown = 2, kSafe = 3;
        const Fields& f = fields(kChassis);
        Structure(kChassis, first_handle(kChassis))
            .text(f.text("manufacturer", facts_.manufacturer))
            .byte(kOther)
            .text(f.text("version", facts_.version))
            .text(f.text("serial"))
            .text(f.text("asset"))
            .byte(kSafe)     // at boot
            .byte(kSafe)     // power supplies
            .byte(kSafe)     // temperature
            .byte(kUnknown)  // locks
            .dword(0)
            .byte(0)  // height
            .byte(0)  // power cords
            .byte(0)  // parts inside
            .byte(0)
            .text(f.text("sku"))
            .finish(out_);
    }

    void processor(std::uint32_t socket) {  // 7.5
        constexpr unsigned kCpu = 3, kFamilyElsewhere = 0xfe, kEnabled = 0x41, kUpgradeOther = 1;
        constexpr std::uint64_t kUnknownCharacteristics = 1 << 1;
        const Fields& f = fields(kProcessor);
        const std::uint64_t threads = std::uint64_t{facts_.cores} * facts_.threads;
        const auto small = [](std::uint64_t count) { return std::min<std::uint64_t>(count, 0xff); };
        char name[32];
        std::snprintf(name, sizeof name, " %u", unsigned(socket));
        Structure structure(kProcessor, std::uint16_t(first_handle(kProcessor) + socket));
        structure.text(f.text("sock_pfx", "CPU") + name)
            .byte(kCpu)
            .byte(kFamilyElsewhere)
            .text(f.text("manufacturer", facts_.manufacturer))
            .qword(f.number("processor-id", facts_.processor_id))
            .text(f.text("version", facts_.version))
            .byte(0)  // voltage
            .word(0)  // external clock
            .word(f.number("max-speed", 2000))
            .word(f.number("current-speed", 2000))
            .byte(kEnabled)
            .byte(kUpgradeOther);
        for (int cache = 0; cache < 3; ++cache) structure.word(kUnknownHandle);
        structure.text(f.text("serial")).text(f.text("asset")).text(f.text("part"));
        structure.byte(small(facts_.cores)).byte(small(facts_.cores)).byte(small(threads));
        structure.word(kUnknownCharacteristics).word(f.number("processor-family", facts_.processor_family));
        if (wide_) structure.word(facts_.cores).word(facts_.cores).word(threads);  // since 3.0
        structure.finish(out_);
    }

    void ports(const Fields& f, std::uint16_t handle) {  // 7.9
        Structure structure(kPort, handle);
        structure.text(f.text("internal_reference"))
            .byte(0)
            .text(f.text("external_reference"))
            .byte(f.number("connector_type"))
            .byte(f.number("port_type"))
            .finish(out_);
    }

    void slots(const Fields& f, std::uint16_t handle) {  // 7.10
        const bool placed = f.device_function != 0xff;
        Structure structure(kSlot, handle);
        structure.text(f.text("slot_designation"))
            .byte(f.number("slot_type"))
            .byte(f.number("slot_data_bus_width"))
            .byte(f.number("current_usage"))
            .byte(f.number("slot_length"))
            .word(f.number("slot_id"))
            .byte(f.number("slot_characteristics1"))
            .byte(f.number("slot_characteristics2"))
            .word(placed ? 0 : 0xffff)
            .byte(f.bus)
            .byte(f.device_function)
            .finish(out_);
    }

    void oem_strings() {  // 7.12
        Structure structure(kOemStrings, first_handle(kOemStrings));
        const std::vector<std::string>& strings = fields(kOemStrings).strings;
        structure.byte(strings.size());
        for (const std::string& value : strings) structure.loose(value);
        structure.finish(out_);
    }

    void memory() {
        const std::uint64_t kilobytes = facts_.memory_size / kKilobyte;
        const std::uint64_t module = facts_.module_size ? facts_.module_size : facts_.memory_size;
        const std::uint64_t modules = module ? (facts_.memory_size + module - 1) / module : 1;
        if (wanted(kMemoryArray)) {  // 7.17
            constexpr unsigned kOther = 1, kSystemMemory = 3, kMultiBitEcc = 6;
            constexpr std::uint64_t kElsewhere = 0x8000'0000;
            const bool large = kilobytes >= kElsewhere;
            Structure(kMemoryArray, first_handle(kMemoryArray))
                .byte(kOther)
                .byte(kSystemMemory)
                .byte(kMultiBitEcc)
                .dword(large ? kElsewhere : kilobytes)
                .word(kNoHandle)
                .word(modules)
                .qword(large ? facts_.memory_size : 0)
                .finish(out_);
        }
        for (std::uint64_t i = 0; i < modules && wanted(kMemoryDevice); ++i)
            memory_device(unsigned(i), std::min(module, facts_.memory_size - i * module) / kMegabyte);
        if (!wanted(kMappedAddress)) return;
        mapped_address(0, facts_.memory_base, facts_.memory_size - facts_.high_memory_size);
        if (facts_.high_memory_size != 0) mapped_address(1, facts_.high_memory_base, facts_.high_memory_size);
    }

    void mapped_address(unsigned index, std::uint64_t first, std::uint64_t size) {  // 7.20
        constexpr std::uint64_t kElsewhere = 0xffff'ffff;
        const std::uint64_t last = first + (size - 1);
        const bool large = last / kKilobyte >= kElsewhere;
        Structure(kMappedAddress, std::uint16_t(first_handle(kMappedAddress) + index))
            .dword(large ? kElsewhere : first / kKilobyte)
            .dword(large ? kElsewhere : last / kKilobyte)
            .word(first_handle(kMemoryArray))
            .byte(1)
            .qword(large ? first : 0)
            .qword(large ? last : 0)
            .finish(out_);
    }

    void memory_device(unsigned index, std::uint64_t megabytes) {  // 7.18
        constexpr unsigned kDimm = 9, kRam = 7, kOther = 1 << 1;
        constexpr std::uint64_t kElsewhere = 0x7fff;
        const Fields& f = fields(kMemoryDevice);
        const bool large = megabytes >= kElsewhere;
        Structure structure(kMemoryDevice, std::uint16_t(first_handle(kMemoryDevice) + index));
        structure.word(first_handle(kMemoryArray))
            .word(kNoHandle)
            .word(0xffff)
            .word(0xffff)
            .word(large ? kElsewhere : megabytes)
            .byte(kDimm)
            .byte(0)
            .text(f.text("loc_pfx", "DIMM") + " " + std::to_string(index))
            .text(f.text("bank"))
            .byte(kRam)
            .word(kOther)
            .word(f.number("speed"))
            .text(f.text("manufacturer", facts_.manufacturer))
            .text(f.text("serial"))
            .text(f.text("asset"))
            .text(f.text("part"))
            .byte(0)
            .dword(large ? megabytes : 0)
            .word(f.number("speed"));
        for (int voltage = 0; voltage < 3; ++voltage) structure.word(0);
        structure.finish(out_);
    }

    void boot_status() {  // 7.33
        Structure(kBootStatus, first_handle(kBootStatus)).dword(0).word(0).byte(0).finish(out_);
    }

    void onboard(const Fields& f, std::uint16_t handle, std::size_t) {  // 7.42
        constexpr unsigned kEnabled = 0x80;
        const bool placed = f.device_function != 0xff;
        Structure structure(kOnboardDevice, handle);
        structure.text(f.text("designation"))
            .byte(f.number("kind", 1) | kEnabled)
            .byte(f.number("instance"))
            .word(0)
            .byte(placed ? f.bus : 0)
            .byte(placed ? f.device_function : 0)
            .finish(out_);
    }

    const Facts& facts_;
    const Wishes& wishes_;
    const bool wide_;
    Buffer out_;
};

/// What an entry point says of a table.
struct Count {
    std::size_t structures = 0, largest = 0;
};
Count count(const Buffer& table) {
    Count found;
    for (std::size_t at = 0; at + kHeader <= table.size(); ++found.structures) {
        std::size_t end = at + table[at + 1];
        while (table[end] || table[end + 1]) ++end;
        found.largest = std::max(found.largest, end + 2 - at);
        at = end + 2;
    }
    return found;
}

void put(Buffer& bytes, std::uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) bytes.push_back(std::uint8_t(value >> 8 * i));
}

/// 5.2.1. Firmware says where it puts the table, and makes both checksums.
Buffer make_narrow_entry_point(const Buffer& table) {
    constexpr std::uint8_t kLength = 31, kRevision = 0x28;
    const Count counted = count(table);
    Buffer bytes{'_', 'S', 'M', '_', 0, kLength, 2, 8};
    put(bytes, counted.largest, 2);
    bytes.insert(bytes.end(), {0, 0, 0, 0, 0, 0, '_', 'D', 'M', 'I', '_', 0});
    put(bytes, table.size(), 2);
    put(bytes, 0, 4);
    put(bytes, counted.structures, 2);
    bytes.push_back(kRevision);
    return bytes;
}

/// 5.2.2
Buffer make_wide_entry_point(std::size_t table_size) {
    constexpr std::uint8_t kLength = 24;
    Buffer bytes{'_', 'S', 'M', '3', '_', 0, kLength, 3, 0, 0, 1, 0};
    put(bytes, table_size, 4);
    bytes.resize(kLength);  // firmware says where it puts the table
    std::uint8_t sum = 0;
    for (const std::uint8_t byte : bytes) sum = std::uint8_t(sum + byte);
    bytes[5] = std::uint8_t(-sum);
    return bytes;
}

}  // namespace

std::string Fields::text(std::string_view name, const std::string& otherwise) const {
    const auto found = values.find(name);
    return found == values.end() ? otherwise : found->second;
}

std::uint64_t Fields::number(std::string_view name, std::uint64_t otherwise) const {
    const auto found = values.find(name);
    return found == values.end() ? otherwise : std::strtoull(found->second.c_str(), nullptr, 0);
}

bool make_tables(const Facts& facts, const Wishes& wishes, EntryPoint kind, Tables& tables, Errors& errors) {
    constexpr std::size_t kLargestNarrow = 0xffff;
    if (kind != EntryPoint::Wide) {
        tables.structures = Maker(facts, wishes, false).make();
        if (tables.structures.size() <= kLargestNarrow) {
            tables.entry_point = make_narrow_entry_point(tables.structures);
            return true;
        }
        if (kind == EntryPoint::Narrow) {
            errors.fail("the SMBIOS tables have " + std::to_string(tables.structures.size()) +
                        " bytes, and a 32-bit entry point leads to 65535 at most; use "
                        "smbios-entry-point-type=64");
            return false;
        }
    }
    tables.structures = Maker(facts, wishes, true).make();
    tables.entry_point = make_wide_entry_point(tables.structures.size());
    return true;
}

/// 6.1.2: a header, the formatted area that it measures, and strings up to two zeros.
int type_of_structure(Bytes bytes, Errors& errors) {
    const auto refuse = [&](const char* why) {
        errors.fail(std::string("is no SMBIOS structure: ") + why);
        return -1;
    };
    if (bytes.size < kHeader + 2) return refuse("it is shorter than its header");
    const std::size_t length = bytes.data[1];
    if (length < kHeader || length + 2 > bytes.size) return refuse("its length does not fit");
    std::size_t at = length;
    while (at + 1 < bytes.size && (bytes.data[at] || bytes.data[at + 1])) ++at;
    if (at + 1 >= bytes.size) return refuse("its strings do not end");
    if (at + 2 != bytes.size) return refuse("something follows it");
    return bytes.data[0];
}

}  // namespace backplane::smbios
