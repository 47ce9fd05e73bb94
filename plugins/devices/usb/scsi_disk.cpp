#include "scsi_disk.h"

#include <algorithm>

namespace backplane::usb {
namespace {

enum Operation : std::uint8_t {
    TEST_UNIT_READY = 0x00,
    REQUEST_SENSE = 0x03,
    READ_6 = 0x08,
    WRITE_6 = 0x0a,
    INQUIRY = 0x12,
    MODE_SENSE_6 = 0x1a,
    START_STOP_UNIT = 0x1b,
    PREVENT_ALLOW_MEDIUM_REMOVAL = 0x1e,
    READ_CAPACITY_10 = 0x25,
    READ_10 = 0x28,
    WRITE_10 = 0x2a,
    VERIFY_10 = 0x2f,
    SYNCHRONIZE_CACHE_10 = 0x35,
    MODE_SENSE_10 = 0x5a,
    READ_16 = 0x88,
    WRITE_16 = 0x8a,
    SERVICE_ACTION_IN_16 = 0x9e,
    REPORT_LUNS = 0xa0,
    READ_12 = 0xa8,
    WRITE_12 = 0xaa
};
constexpr std::uint8_t kReadCapacity16 = 0x10;

constexpr Sense kUnknownCommand{5, 0x20, 0}, kOutOfRange{5, 0x21, 0}, kBadField{5, 0x24, 0},
    kNoSuchUnit{5, 0x25, 0}, kProtected{7, 0x27, 0}, kReadError{3, 0x11, 0}, kWriteError{3, 0x0c, 0};

std::uint64_t big(Bytes bytes, unsigned at, unsigned size) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i) value = value << 8 | bytes[at + i];
    return value;
}
void put(std::vector<std::uint8_t>& bytes, std::uint64_t value, unsigned size) {
    for (unsigned i = size; i-- > 0;) bytes.push_back(std::uint8_t(value >> 8 * i));
}
void put_text(std::vector<std::uint8_t>& bytes, std::string_view text, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
        bytes.push_back(i < text.size() ? std::uint8_t(text[i]) : std::uint8_t(' '));
}
ScsiAction reply(std::vector<std::uint8_t> bytes, std::uint64_t allocated) {
    bytes.resize(std::min<std::uint64_t>(bytes.size(), allocated));
    return {ScsiAction::Kind::Reply, std::move(bytes)};
}

}  // namespace

ScsiAction ScsiDisk::fail(Sense sense) {
    sense_ = sense;
    return {ScsiAction::Kind::Failed};
}

void ScsiDisk::medium_failed(bool writing) { sense_ = writing ? kWriteError : kReadError; }

ScsiAction ScsiDisk::command(unsigned unit, Bytes command) {
    const std::uint8_t operation = command[0];
    if (unit != 0 && operation != INQUIRY && operation != REQUEST_SENSE) return fail(kNoSuchUnit);
    using Kind = ScsiAction::Kind;
    switch (operation) {
    case TEST_UNIT_READY:
    case START_STOP_UNIT:
    case PREVENT_ALLOW_MEDIUM_REMOVAL: return {};
    case REQUEST_SENSE: return request_sense(command[4]);
    case INQUIRY:
        if (unit != 0) return reply(std::vector<std::uint8_t>{0x7f, 0, 5, 2, 0}, big(command, 3, 2));
        if (command[1] & 1) return vital_data(command[2], big(command, 3, 2));
        return inquiry(command);
    case MODE_SENSE_6: return mode_sense(command, false);
    case MODE_SENSE_10: return mode_sense(command, true);
    case READ_CAPACITY_10: return capacity(false, 8);
    case SERVICE_ACTION_IN_16:
        return (command[1] & 0x1f) == kReadCapacity16 ? capacity(true, big(command, 10, 4)) : fail(kBadField);
    case REPORT_LUNS: return reply({0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, big(command, 6, 4));
    case SYNCHRONIZE_CACHE_10: return {Kind::Flush};
    case VERIFY_10: {
        ScsiAction action = transfer(Kind::Read, big(command, 2, 4), big(command, 7, 2));
        return action.kind == Kind::Failed ? action : ScsiAction{};
    }
    case READ_6:
    case WRITE_6: {
        const std::uint64_t count = command[4] ? command[4] : 256;
        return transfer(operation == READ_6 ? Kind::Read : Kind::Write, big(command, 1, 3) & 0x1fffff, count);
    }
    case READ_10:
    case WRITE_10:
        return transfer(operation == READ_10 ? Kind::Read : Kind::Write, big(command, 2, 4),
                        big(command, 7, 2));
    case READ_12:
    case WRITE_12:
        return transfer(operation == READ_12 ? Kind::Read : Kind::Write, big(command, 2, 4),
                        big(command, 6, 4));
    case READ_16:
    case WRITE_16:
        return transfer(operation == READ_16 ? Kind::Read : Kind::Write, big(command, 2, 8),
                        big(command, 10, 4));
    default: return fail(kUnknownCommand);
    }
}

ScsiAction ScsiDisk::transfer(ScsiAction::Kind kind, std::uint64_t block, std::uint64_t count) {
    if (block > blocks() || count > blocks() - block) return fail(kOutOfRange);
    if (kind == ScsiAction::Kind::Write && medium_->read_only()) return fail(kProtected);
    if (count == 0) return {};
    return {kind, {}, block * kBlock, count * kBlock};
}

ScsiAction ScsiDisk::inquiry(Bytes command) const {
    constexpr std::uint8_t kRemovable = 0x80, kSpc3 = 5, kFormat = 2, kMore = 31;
    std::vector<std::uint8_t> bytes{0, std::uint8_t(removable_ ? kRemovable : 0), kSpc3, kFormat, kMore, 0, 0,
                                    0};
    put_text(bytes, "QEMU", 8);
    put_text(bytes, "QEMU HARDDISK", 16);
    put_text(bytes, "2.5+", 4);
    return reply(std::move(bytes), big(command, 3, 2));
}

/// SPC-3, 7.6.
ScsiAction ScsiDisk::vital_data(std::uint8_t page, std::uint64_t allocated) {
    constexpr std::uint8_t kSupported = 0x00, kSerialNumber = 0x80, kBlockLimits = 0xb0;
    std::vector<std::uint8_t> bytes{0, page, 0, 0};
    if (page == kSupported) bytes.push_back(kSupported);
    else if (page != kBlockLimits && (page != kSerialNumber || serial_.empty())) return fail(kBadField);
    if (!serial_.empty() && page == kSupported) bytes.push_back(kSerialNumber);
    if (page == kSupported) bytes.push_back(kBlockLimits);
    if (page == kBlockLimits) {
        // SBC-2, 6.4.2: granularity, most and best length of a transfer.
        bytes.resize(6);
        put(bytes, std::min<std::uint32_t>(limits_.least_transfer, 0xffff), 2);
        put(bytes, 0, 4);
        put(bytes, limits_.best_transfer, 4);
    }
    if (page == kSerialNumber) put_text(bytes, serial_, std::min<std::size_t>(serial_.size(), 36));
    bytes[3] = std::uint8_t(bytes.size() - 4);
    return reply(std::move(bytes), allocated);
}

/// SPC-3, 6.9: the header alone, and the caching page.
ScsiAction ScsiDisk::mode_sense(Bytes command, bool ten) {
    constexpr std::uint8_t kCaching = 0x08, kAll = 0x3f, kWriteCache = 0x04, kWriteProtect = 0x80;
    const std::uint8_t page = command[2] & 0x3f;
    std::vector<std::uint8_t> bytes(ten ? 8 : 4);
    bytes[ten ? 3 : 2] = medium_->read_only() ? kWriteProtect : 0;
    if (page == kCaching || page == kAll) {
        bytes.insert(bytes.end(), {kCaching, 18, std::uint8_t(limits_.cache ? kWriteCache : 0)});
        bytes.resize(bytes.size() + 17);
    } else if (page != 0) {
        return fail(kBadField);
    }
    const std::size_t length = bytes.size() - (ten ? 2 : 1);
    bytes[ten ? 1 : 0] = std::uint8_t(length);
    return reply(std::move(bytes), ten ? big(command, 7, 2) : command[4]);
}

ScsiAction ScsiDisk::request_sense(std::uint64_t allocated) {
    constexpr std::uint8_t kCurrent = 0x70, kMore = 10;
    std::vector<std::uint8_t> bytes(18);
    bytes[0] = kCurrent;
    bytes[2] = sense_.key;
    bytes[7] = kMore;
    bytes[12] = sense_.code;
    bytes[13] = sense_.qualifier;
    sense_ = {};
    return reply(std::move(bytes), allocated);
}

ScsiAction ScsiDisk::capacity(bool sixteen, std::uint64_t allocated) {
    constexpr std::uint64_t kMost = 0xffffffff;
    const std::uint64_t last = blocks() == 0 ? 0 : blocks() - 1;
    std::vector<std::uint8_t> bytes;
    put(bytes, sixteen ? last : std::min(last, kMost), sixteen ? 8 : 4);
    put(bytes, kBlock, 4);
    if (sixteen) bytes.resize(32);
    if (sixteen) bytes[13] = std::uint8_t(limits_.exponent);
    return reply(std::move(bytes), allocated);
}

}  // namespace backplane::usb
