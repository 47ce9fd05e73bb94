// A stream taken apart into its sections, to be changed and put together again with checksums that are right.
#pragma once

#include "kernel/snapshot/stream.h"

#include "kernel/snapshot/memory_channel.h"

namespace backplane::testing {

/// Everything between the header and the end.
class StreamPieces {
  public:
    explicit StreamPieces(const std::vector<std::uint8_t>& stream) {
        using kernel::snapshot::Section;
        test::MemorySource source{Bytes(stream)};
        SnapshotProgress progress;
        kernel::snapshot::SectionReader in(source, progress);
        kernel::snapshot::Header header;
        in.read_header(header, errors_);
        for (Section section; in.read(section, errors_) && section.kind != kernel::snapshot::kEnd;)
            sections.push_back(std::exchange(section, {}));
    }
    std::vector<std::uint8_t> stream() {
        test::MemorySink sink;
        SnapshotProgress progress;
        kernel::snapshot::SectionWriter out(sink, progress);
        out.write_header({}, errors_);
        for (const auto& section : sections) out.write(section.kind, Bytes(section.payload), errors_);
        out.write(kernel::snapshot::kEnd, {}, errors_);
        return sink.bytes;
    }
    std::vector<kernel::snapshot::Section> sections;

  private:
    ErrorText errors_;
};

}  // namespace backplane::testing
