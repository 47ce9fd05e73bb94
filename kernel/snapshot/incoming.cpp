#include "kernel/snapshot/incoming.h"

#include "kernel/machine/machine_parts.h"
#include "kernel/snapshot/file_verifier.h"
#include "kernel/snapshot/ram_reader.h"
#include "kernel/snapshot/snapshot_service.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <unistd.h>

namespace backplane::kernel::snapshot {
namespace {

class FileSource final : public SnapshotSource {
  public:
    FileSource(int file, std::uint64_t at) : file_(file), at_(at) {}
    bool read(MutableBytes to, Errors& errors) override {
        while (to.size) {
            const ssize_t got = pread(file_, to.data, to.size, off_t(at_));
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) {
                errors.fail(got < 0 ? std::string("reading: ") + std::strerror(errno)
                                    : "the saved machine is cut short: the file ends at byte " +
                                          std::to_string(at_));
                return false;
            }
            to = {to.data + got, to.size - std::size_t(got)};
            at_ += std::uint64_t(got);
        }
        return true;
    }
    std::uint64_t at() const { return at_; }

  private:
    int file_;
    std::uint64_t at_;
};

bool not_whole(Errors& errors) {
    errors.fail("the saved machine is damaged: some of its sections are missing");
    return false;
}

}  // namespace

Incoming::Incoming(SnapshotService& service) : service_(service) {
    for (const NamedBlock& named : service.machine().memory.map().named_blocks())
        wanted_.push_back({named.id, named.block.size});
}

Incoming::~Incoming() = default;

bool Incoming::read(SnapshotSource& source, const SnapshotOptions& options, SnapshotProgress& progress,
                    Errors& errors) {
    SectionReader in(source, progress);
    Header header;
    if (!in.read_header(header, errors)) return false;
    if (header.mappable) {
        errors.fail("this saved machine is laid out as a file of its own: load it with file:");
        return false;
    }
    RamReader ram(wanted_, -1, options, progress);
    return read_sections(in, ram, errors);
}

bool Incoming::read_file(int file, bool verify_first, const SnapshotOptions& options,
                         SnapshotProgress& progress, Errors& errors) {
    FileSource source(file, 0);
    SectionReader first(source, progress);
    Header header;
    if (!first.read_header(header, errors)) return false;
    if (!header.mappable) {
        RamReader ram(wanted_, -1, options, progress);
        return read_sections(first, ram, errors);
    }
    std::uint8_t rest[kPage - kHeaderSize];
    if (!source.read(rest, errors)) return false;
    if (std::ranges::any_of(rest, [](std::uint8_t byte) { return byte != 0; })) {
        errors.fail("the saved machine is damaged: its header's page has something behind the header");
        return false;
    }
    FileSource tail(file, header.sections);
    SectionReader in(tail, progress, header.sections);
    RamReader ram(wanted_, file, options, progress);
    if (!read_sections(in, ram, errors)) return false;
    if (tail.at() != header.length) {
        errors.fail("the saved machine is damaged: its sections end at byte " + std::to_string(tail.at()) +
                    ", and it should have " + std::to_string(header.length));
        return false;
    }
    std::vector<BlockEntry> entries;
    for (const BlockReceived& block : memory_) entries.push_back(block.entry);
    verifier_ = std::make_unique<FileVerifier>(file, std::move(entries), ram.take_digests());
    if (!verify_first) return true;
    const bool good = verifier_->run(progress.cancel, errors);
    verifier_.reset();
    return good;
}

bool Incoming::read_sections(SectionReader& in, RamReader& ram, Errors& errors) {
    Section section;
    for (;;) {
        if (!in.read(section, errors)) return false;
        if (section.kind == kPages) {
            if (!ram.add_pages(section, errors)) return false;
            continue;
        }
        if (!check(section, errors)) return false;
        if (section.kind == kEnd) break;
        if (!read_section(section, ram, errors)) return false;
    }
    if (!has_record_) return not_whole(errors);
    if (!ram.finish(errors)) return false;
    memory_ = ram.take();
    whole_ = true;
    return true;
}

bool Incoming::read_section(Section& section, RamReader& ram, Errors& errors) {
    switch (section.kind) {
    case kMachine:
        if (has_record_) return not_whole(errors);
        has_record_ = true;
        return image_.set_machine(Bytes(section.payload), errors);
    case kDevice: return image_.add_device(Bytes(section.payload), errors);
    case kBlock: return ram.add_block(section, errors);
    case kDigests: return ram.add_digest(section, errors);
    default: break;
    }
    if (section.optional) return true;
    errors.fail(section.name() +
                " is of a kind that this release does not know; load the machine with the release that "
                "saved it");
    return false;
}

/// All blocks, or none.
bool Incoming::exchange_memory(Errors& errors) {
    std::vector<NamedBlock> blocks = service_.machine().memory.map().named_blocks();
    const auto exchange = [&](BlockReceived& received, Errors& why) {
        const auto found = std::ranges::find(blocks, received.entry.id, &NamedBlock::id);
        if (found != blocks.end()) return RamStorage::of(found->block).exchange(received.contents, why);
        why.fail("memory '" + received.entry.id + "' is gone");
        return false;
    };
    for (auto block = memory_.begin(); block != memory_.end(); ++block) {
        if (exchange(*block, errors)) continue;
        IgnoredErrors ignored;
        while (block != memory_.begin()) exchange(*--block, ignored);
        return false;
    }
    return true;
}

bool Incoming::apply(Errors& errors) {
    MachineParts& machine = service_.machine();
    if (!whole_) return not_whole(errors);
    if (!image_.check(machine, errors)) return false;
    MachineImage before;
    if (!before.take(machine, {}, errors) || !exchange_memory(errors)) return false;
    whole_ = false;
    if (!image_.apply(machine, errors)) {
        // What it was once can be had again: nothing of it was lost.
        IgnoredErrors ignored;
        exchange_memory(ignored);
        before.apply(machine, ignored);
        machine.processors.states_changed();
        return false;
    }
    machine.processors.states_changed();
    machine.run.state_loaded(image_.record().asleep);
    memory_.clear();
    if (verifier_) service_.watch(std::move(verifier_));
    return true;
}

bool Incoming::was_running() const {
    const std::string& state = image_.record().run_state;
    return state == "running" || state == "suspended";
}

}  // namespace backplane::kernel::snapshot
