// The frame of a saved machine: a header, then sections, each with its length and checksums (docs/saved-machines.md).
#pragma once

#include <backplane/draft/snapshot.h>

#include <atomic>
#include <string>
#include <vector>

namespace backplane::kernel::snapshot {

inline constexpr std::uint32_t kFormat = 1;
inline constexpr std::uint64_t kHeaderSize = 64;
inline constexpr std::uint64_t kSectionHeaderSize = 32;

/// A section's kind is four letters.
constexpr std::uint32_t kind(const char (&letters)[5]) {
    return std::uint32_t(letters[0]) | std::uint32_t(letters[1]) << 8 | std::uint32_t(letters[2]) << 16 |
           std::uint32_t(letters[3]) << 24;
}
inline constexpr std::uint32_t kMachine = kind("mach");  ///< the machine as a whole, as a table
inline constexpr std::uint32_t kDevice = kind("devi");   ///< one device: path, type, table, wires
inline constexpr std::uint32_t kBlock = kind("bloc");  ///< a block of RAM or ROM: name, size, where it stands
inline constexpr std::uint32_t kPages = kind("page");  ///< some pages of a block
inline constexpr std::uint32_t kDigests =
    kind("digs");  ///< of a block whose pages stand outside of the sections
inline constexpr std::uint32_t kEnd = kind("end ");

/// Bytes of a section's payload; more is refused before room is made for it.
inline constexpr std::uint64_t kLongestSection = 64u << 20;

struct Header {
    bool mappable = false;                 ///< RAM stands at pages of the file, outside of the sections
    std::uint64_t sections = kHeaderSize;  ///< where they begin
    std::uint64_t length = 0;              ///< of the whole file; 0: not known
};

std::vector<std::uint8_t> encode(const Header& header);
/// `bytes`: kHeaderSize of them.
bool decode(Bytes bytes, Header& header, Errors& errors);

struct Section {
    std::uint32_t kind = 0;
    std::vector<std::uint8_t> payload;
    std::uint64_t at = 0;        ///< where its header stands
    std::uint32_t checksum = 0;  ///< that the payload must have
    bool optional = false;       ///< a reader that does not know the kind may leave it out
    std::string name() const;    ///< "section 12 ('page', at byte 40960)"
    std::uint32_t number = 0;
};

/// Writes sections in a row, numbered.
class SectionWriter {
  public:
    SectionWriter(SnapshotSink& sink, SnapshotProgress& progress) : sink_(sink), progress_(progress) {}
    bool write_header(const Header& header, Errors& errors);
    bool write(std::uint32_t kind, Bytes payload, Errors& errors);
    /// The payload's checksum was made elsewhere.
    bool write(std::uint32_t kind, Bytes payload, std::uint32_t checksum, Errors& errors);
    /// Bytes of sections and header so far.
    std::uint64_t written() const { return written_; }

  private:
    bool put(Bytes bytes, Errors& errors);
    SnapshotSink& sink_;
    SnapshotProgress& progress_;
    std::uint32_t number_ = 0;
    std::uint64_t written_ = 0;
};

/// Reads them: every header is checked, payloads are left to check().
class SectionReader {
  public:
    /// `at`: where the source stands, for messages.
    SectionReader(SnapshotSource& source, SnapshotProgress& progress, std::uint64_t at = 0)
        : source_(source), progress_(progress), at_(at) {}
    bool read_header(Header& header, Errors& errors);
    /// Reuses the payload's room.
    bool read(Section& section, Errors& errors);

  private:
    bool get(MutableBytes to, Errors& errors);
    SnapshotSource& source_;
    SnapshotProgress& progress_;
    std::uint64_t at_;
    std::uint32_t number_ = 0;
};

/// Is the payload what was written?
bool check(const Section& section, Errors& errors);
/// False and "cancelled".
bool go_on(const SnapshotProgress& progress, Errors& errors);

}  // namespace backplane::kernel::snapshot
