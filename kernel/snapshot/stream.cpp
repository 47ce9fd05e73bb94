#include "kernel/snapshot/stream.h"

#include "kernel/snapshot/bytes.h"

#include <lib/crc32c.h>

#include <algorithm>

namespace backplane::kernel::snapshot {
namespace {

// Like PNG's: a byte that no text has, a name, a line end that a conversion of texts would change.
constexpr std::uint8_t kMagic[8] = {0x89, 'B', 'P', 'S', 'A', 'V', 'E', '\n'};
constexpr std::uint32_t kMappable = 1;  // the header's flag
constexpr std::uint32_t kOptional = 1;  // a section's

std::uint32_t checksum_of(const std::vector<std::uint8_t>& bytes) { return checksum::crc32c(bytes); }

/// Puts the checksum of all that stands before it at the end.
std::vector<std::uint8_t> sealed(ByteWriter& out) {
    auto bytes = out.take();
    const std::uint32_t sum = checksum_of(bytes);
    for (unsigned i = 0; i < 4; ++i) bytes.push_back(std::uint8_t(sum >> 8 * i));
    return bytes;
}

bool seal_holds(Bytes bytes) {
    ByteReader tail({bytes.data + bytes.size - 4, 4});
    return tail.number<std::uint32_t>() == checksum::crc32c({bytes.data, bytes.size - 4});
}

}  // namespace

std::vector<std::uint8_t> encode(const Header& header) {
    ByteWriter out;
    out.bytes(kMagic);
    out.number(kFormat);
    out.number(header.mappable ? kMappable : 0u);
    out.number(header.sections);
    out.number(header.length);
    while (out.size() < kHeaderSize - 4) out.number(std::uint8_t{0});
    return sealed(out);
}

bool decode(Bytes bytes, Header& header, Errors& errors) {
    if (!std::equal(std::begin(kMagic), std::end(kMagic), bytes.data)) {
        errors.fail("this is no saved machine: its first bytes are others");
        return false;
    }
    ByteReader in(bytes);
    in.bytes(sizeof kMagic);
    const auto format = in.number<std::uint32_t>();
    const auto flags = in.number<std::uint32_t>();
    header.mappable = (flags & kMappable) != 0;
    header.sections = in.number<std::uint64_t>();
    header.length = in.number<std::uint64_t>();
    if (!seal_holds(bytes)) {
        errors.fail("the saved machine's header is damaged: its checksum is wrong");
        return false;
    }
    if (format == 0 || format > kFormat || (flags & ~kMappable)) {
        errors.fail("the saved machine has format " + std::to_string(format) +
                    ", and this host reads formats up to " + std::to_string(kFormat) +
                    "; load it with the release that wrote it");
        return false;
    }
    return true;
}

std::string Section::name() const {
    std::string text = "section " + std::to_string(number) + " ('";
    for (unsigned i = 0; i < 4; ++i) {
        const char c = char(kind >> 8 * i);
        text += c >= 0x20 && c < 0x7f ? c : '?';
    }
    return text + "', at byte " + std::to_string(at) + ")";
}

bool go_on(const SnapshotProgress& progress, Errors& errors) {
    if (!progress.cancel.load(std::memory_order_relaxed)) return true;
    errors.fail("cancelled");
    return false;
}

bool SectionWriter::put(Bytes bytes, Errors& errors) {
    if (!go_on(progress_, errors) || !sink_.write(bytes, errors)) return false;
    written_ += bytes.size;
    progress_.transferred += bytes.size;
    return true;
}

bool SectionWriter::write_header(const Header& header, Errors& errors) { return put(encode(header), errors); }

bool SectionWriter::write(std::uint32_t kind, Bytes payload, Errors& errors) {
    return write(kind, payload, checksum::crc32c(payload), errors);
}

bool SectionWriter::write(std::uint32_t kind, Bytes payload, std::uint32_t checksum, Errors& errors) {
    ByteWriter head;
    head.number(kind);
    head.number(std::uint32_t{0});
    head.number(std::uint64_t{payload.size});
    head.number(number_++);
    head.number(checksum);
    head.number(std::uint32_t{0});
    return put(sealed(head), errors) && put(payload, errors);
}

bool SectionReader::get(MutableBytes to, Errors& errors) {
    if (!go_on(progress_, errors) || !source_.read(to, errors)) return false;
    at_ += to.size;
    progress_.transferred += to.size;
    return true;
}

bool SectionReader::read_header(Header& header, Errors& errors) {
    std::uint8_t bytes[kHeaderSize];
    return get(bytes, errors) && decode({bytes, sizeof bytes}, header, errors);
}

bool SectionReader::read(Section& section, Errors& errors) {
    std::uint8_t head[kSectionHeaderSize];
    section.at = at_;
    if (!get(head, errors)) return false;
    ByteReader in(Bytes(head, sizeof head));
    section.kind = in.number<std::uint32_t>();
    const auto flags = in.number<std::uint32_t>();
    const auto length = in.number<std::uint64_t>();
    section.number = in.number<std::uint32_t>();
    section.checksum = in.number<std::uint32_t>();
    const auto fail = [&](const std::string& what) {
        errors.fail("the saved machine is damaged at byte " + std::to_string(section.at) + ": " + what);
        return false;
    };
    if (!seal_holds(Bytes(head, sizeof head))) return fail("the checksum of a section's header is wrong");
    if (section.number != number_)
        return fail("section " + std::to_string(section.number) + " stands where section " +
                    std::to_string(number_) + " should");
    section.optional = (flags & kOptional) != 0;
    if ((flags & ~kOptional) || length > kLongestSection)
        return fail("section's flags or length are out of range");
    ++number_;
    section.payload.resize(length);
    return get(section.payload, errors);
}

bool check(const Section& section, Errors& errors) {
    if (checksum::crc32c(section.payload) == section.checksum) return true;
    errors.fail("the saved machine is damaged: the checksum of " + section.name() + " is wrong");
    return false;
}

}  // namespace backplane::kernel::snapshot
