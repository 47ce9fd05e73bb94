#include "kernel/snapshot/outgoing.h"

#include "kernel/machine/machine_parts.h"
#include "kernel/snapshot/ram_writer.h"
#include "kernel/snapshot/snapshot_service.h"

#include <cerrno>
#include <cstring>

#include <unistd.h>

namespace backplane::kernel::snapshot {
namespace {

/// Bytes at the end of a regular file.
class FileSink final : public SnapshotSink {
  public:
    FileSink(int file, std::uint64_t at) : file_(file), at_(at) {}
    bool write(Bytes bytes, Errors& errors) override {
        while (bytes.size) {
            const ssize_t wrote = pwrite(file_, bytes.data, bytes.size, off_t(at_));
            if (wrote < 0 && errno == EINTR) continue;
            if (wrote <= 0) {
                errors.fail(std::string("writing: ") + std::strerror(wrote < 0 ? errno : ENOSPC));
                return false;
            }
            bytes = {bytes.data + wrote, bytes.size - std::size_t(wrote)};
            at_ += std::uint64_t(wrote);
        }
        return true;
    }
    void seek(std::uint64_t at) { at_ = at; }

  private:
    int file_;
    std::uint64_t at_;
};

}  // namespace

bool Outgoing::take(const std::string& run_state, Errors& errors) {
    MachineParts& machine = service_.machine();
    if (!image_.take(machine, run_state, errors)) return false;
    something_goes_with_it_ = machine.whereabouts.anything();
    for (const NamedBlock& named : machine.memory.map().named_blocks()) {
        held_.emplace_back(named.block);
        blocks_.push_back({named.id,
                           {named.block.host, std::size_t(named.block.size)},
                           named.block.shared && named.block.fd_offset == 0 ? named.block.fd : -1});
    }
    return true;
}

bool Outgoing::write_devices(SectionWriter& out, Errors& errors) const {
    if (!out.write(kMachine, image_.machine_payload(), errors)) return false;
    for (const DeviceImage& device : image_.devices())
        if (!out.write(kDevice, encode(device), errors)) return false;
    return true;
}

bool Outgoing::write_blocks(SectionWriter& out, const std::vector<BlockEntry>& entries,
                            Errors& errors) const {
    for (const BlockEntry& entry : entries)
        if (!out.write(kBlock, encode(entry), errors)) return false;
    return true;
}

bool Outgoing::write(SnapshotSink& sink, const SnapshotOptions& options, SnapshotProgress& progress,
                     Errors& errors) {
    std::vector<BlockEntry> entries;
    for (const BlockSource& block : blocks_) entries.push_back({block.id, block.memory.size, 0});
    SectionWriter out(sink, progress);
    return out.write_header({}, errors) && write_devices(out, errors) && write_blocks(out, entries, errors) &&
           write_pages(out, blocks_, options, progress, errors) && leave(progress, errors) &&
           out.write(kEnd, {}, errors);
}

/// The header's page, the blocks one after the other, then the sections.
bool Outgoing::write_file(int file, const SnapshotOptions& options, SnapshotProgress& progress,
                          Errors& errors) {
    std::vector<BlockEntry> entries;
    std::uint64_t at = kPage;
    for (const BlockSource& block : blocks_) {
        entries.push_back({block.id, block.memory.size, at});
        at += block.memory.size;
    }
    if (ftruncate(file, off_t(at)) != 0) {
        errors.fail(std::string("the file cannot have ") + std::to_string(at) +
                    " bytes: " + std::strerror(errno));
        return false;
    }
    std::vector<BlockDigest> digests;
    if (!write_pages_to_file(file, blocks_, entries, digests, options, progress, errors)) return false;
    FileSink sink(file, at);
    SectionWriter out(sink, progress);
    if (!write_devices(out, errors) || !write_blocks(out, entries, errors)) return false;
    for (const BlockDigest& digest : digests)
        if (!out.write(kDigests, encode(digest), errors)) return false;
    if (!leave(progress, errors) || !out.write(kEnd, {}, errors)) return false;
    // Last, so that a file that was not finished is none.
    const Header header{.mappable = true, .sections = at, .length = at + out.written()};
    sink.seek(0);
    SectionWriter head(sink, progress);
    return head.write_header(header, errors);
}

/// Before anybody can have all of it: who goes on with it may take what goes with it.
bool Outgoing::leave(const SnapshotProgress& progress, Errors& errors) {
    MachineParts& machine = service_.machine();
    if (!something_goes_with_it_) return true;
    if (machine.lock.held()) machine.whereabouts.leave();
    else if (!machine.whereabouts.leave_from_thread(progress.cancel)) return go_on(progress, errors);
    return true;
}

void Outgoing::finish(bool completed) {
    service_.finished(*this, completed);
    delete this;
}

}  // namespace backplane::kernel::snapshot
