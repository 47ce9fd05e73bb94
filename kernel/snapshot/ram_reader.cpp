#include "kernel/snapshot/ram_reader.h"

#include "kernel/snapshot/bytes.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/stat.h>
#include <unistd.h>

namespace backplane::kernel::snapshot {
namespace {

bool damaged(const Section& section, const std::string& what, Errors& errors) {
    errors.fail("the saved machine is damaged: " + section.name() + ": " + what);
    return false;
}

std::uint64_t pieces_in(std::uint64_t size) { return (size + kPiece - 1) / kPiece; }

}  // namespace

RamReader::RamReader(const std::vector<BlockWanted>& wanted, int file, const SnapshotOptions& options,
                     SnapshotProgress& progress)
    : wanted_(wanted),
      file_(file),
      progress_(progress),
      crew_(worker_count(options.workers), [this](Job& job) { unpack(job); }) {
    std::uint64_t total = 0;
    for (const BlockWanted& block : wanted) total += block.size;
    progress_.total = total;
}

bool RamReader::add_block(const Section& section, Errors& errors) {
    BlockEntry entry;
    if (!decode(section.payload, entry)) return damaged(section, "it is no entry of a block", errors);
    // Workers look into the list.
    while (!crew_.idle())
        if (!collect(errors)) return false;
    const auto wanted = std::ranges::find(wanted_, entry.id, &BlockWanted::id);
    if (wanted == wanted_.end()) {
        errors.fail("the saved machine has memory '" + entry.id +
                    "', and this one has not; start it with the options that it was saved with");
        return false;
    }
    if (wanted->size != entry.size) {
        errors.fail("memory '" + entry.id + "' has " + std::to_string(entry.size) +
                    " bytes in the saved machine and " + std::to_string(wanted->size) +
                    " in this one; start it with the options that it was saved with");
        return false;
    }
    for (const BlockReceived& other : received_)
        if (other.entry.id == entry.id)
            return damaged(section, "block '" + entry.id + "' comes twice", errors);
    RamContents contents;
    if (file_ < 0) {
        if (!contents.make(entry.id, entry.size, errors)) return false;
    } else {
        struct stat status {};
        if (fstat(file_, &status) != 0 || entry.file_offset % kPage != 0 ||
            entry.file_offset > std::uint64_t(status.st_size) ||
            entry.size > std::uint64_t(status.st_size) - entry.file_offset)
            return damaged(section, "the file ends before block '" + entry.id + "' does", errors);
        if (!contents.map(file_, entry.file_offset, entry.size, errors)) return false;
        progress_.done += entry.size;
    }
    received_.push_back({std::move(entry), std::move(contents)});
    return true;
}

bool RamReader::add_pages(Section& section, Errors& errors) {
    if (file_ >= 0) return damaged(section, "pages in a file that has them elsewhere", errors);
    if (crew_.full() && !collect(errors)) return false;
    std::swap(crew_.next().section, section);
    crew_.give();
    return true;
}

bool RamReader::add_digest(const Section& section, Errors& errors) {
    BlockDigest digest;
    if (file_ < 0 || !decode(section.payload, digest) || digest.block != digests_.size() ||
        digest.block >= received_.size())
        return damaged(section, "it does not belong here", errors);
    const std::uint64_t pieces = pieces_in(received_[digest.block].entry.size);
    if (!digest.pieces.empty() && digest.pieces.back().piece >= pieces)
        return damaged(section, "it names memory that does not exist", errors);
    digests_.push_back(std::move(digest));
    return true;
}

/// On a worker.
void RamReader::unpack(Job& job) {
    struct Keep final : Errors {
        explicit Keep(std::string& text) : text_(text) {}
        void fail(Str message) override { text_ = message.view(); }
        std::string& text_;
    } errors(job.fault);
    job.fault.clear();
    job.pages = 0;
    if (!check(job.section, errors)) return;
    PageCodec::Head head;
    if (!PageCodec::head(job.section.payload, head) || head.block >= received_.size() ||
        head.piece >= pieces_in(received_[head.block].entry.size)) {
        damaged(job.section, "it names memory that does not exist", errors);
        return;
    }
    const MutableBytes memory = received_[head.block].contents.bytes();
    const Bytes piece = piece_of({memory.data, memory.size}, head.piece);
    const auto pages =
        job.codec.unpack(job.section.payload, {const_cast<std::uint8_t*>(piece.data), piece.size});
    if (!pages) damaged(job.section, "its pages cannot be unpacked", errors);
    else job.pages = *pages;
}

bool RamReader::collect(Errors& errors) {
    Job& job = crew_.oldest();
    const bool ok = job.fault.empty();
    if (!ok) errors.fail(job.fault);
    progress_.done = std::min<std::uint64_t>(progress_.done + kPiece, progress_.total);
    progress_.data_pages += job.pages;
    crew_.release();
    return ok;
}

bool RamReader::finish(Errors& errors) {
    while (!crew_.idle())
        if (!collect(errors)) return false;
    progress_.done = progress_.total.load();
    for (const BlockWanted& wanted : wanted_)
        if (std::ranges::none_of(received_, [&](const auto& r) { return r.entry.id == wanted.id; })) {
            errors.fail("the saved machine has no memory '" + wanted.id +
                        "'; start this one with the options that it was saved with");
            return false;
        }
    if (file_ >= 0 && digests_.size() != received_.size()) {
        errors.fail("the saved machine is damaged: it lacks the checksums of its memory");
        return false;
    }
    return true;
}

bool verify_file(int file, const BlockEntry& block, const BlockDigest& digest, const std::atomic<bool>& stop,
                 Errors& errors) {
    std::vector<std::uint8_t> piece(kPiece);
    auto next = digest.pieces.begin();
    for (std::uint32_t number = 0; number < pieces_in(block.size); ++number) {
        if (stop) {
            errors.fail("cancelled");
            return false;
        }
        const std::uint64_t offset = block.file_offset + number * kPiece;
        const std::uint64_t size = std::min(kPiece, block.size - number * kPiece);
        const bool named = next != digest.pieces.end() && next->piece == number;
        const PageSet data = named ? next->data : PageSet{};
        const off_t stored = named ? off_t(offset) : lseek(file, off_t(offset), SEEK_DATA);
        if (!named && (stored < 0 || std::uint64_t(stored) >= offset + size)) continue;  // a hole
        std::uint64_t done = 0;
        while (done < size) {
            const ssize_t got = pread(file, piece.data() + done, size - done, off_t(offset + done));
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) {
                errors.fail("reading memory '" + block.id +
                            "' of the saved machine: " + (got < 0 ? std::strerror(errno) : "the file ends"));
                return false;
            }
            done += std::uint64_t(got);
        }
        const Bytes bytes(piece.data(), size);
        if (pages_with_data(bytes) != data || (named && checksum_of(bytes, data) != next->checksum)) {
            errors.fail("the saved machine is damaged: the checksum of memory '" + block.id + "' at byte " +
                        std::to_string(number * kPiece) + " (of the file: " + std::to_string(offset) +
                        ") is wrong");
            return false;
        }
        if (named) ++next;
    }
    return true;
}

}  // namespace backplane::kernel::snapshot
