#include "kernel/snapshot/ram_writer.h"

#include "kernel/snapshot/worker_crew.h"

#include <lib/crc32c.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <unistd.h>

namespace backplane::kernel::snapshot {
namespace {

/// Counts what is not among `pieces`, which was never stored to.
void begin(const std::vector<BlockSource>& blocks, const std::vector<PieceName>& pieces,
           SnapshotProgress& progress) {
    std::uint64_t total = 0, left = 0;
    for (const BlockSource& block : blocks) total += block.memory.size;
    for (const PieceName& name : pieces) left += piece_of(blocks[name.block].memory, name.piece).size;
    progress.total = total;
    progress.done = total - left;
    progress.zero_pages = (total - left) / kPage;
    progress.data_pages = 0;
}

void count(const PageSet& data, std::uint64_t bytes, SnapshotProgress& progress) {
    const unsigned pages = data.count();
    progress.done += bytes;
    progress.data_pages += pages;
    progress.zero_pages += bytes / kPage - pages;
}

struct PackJob {
    PageCodec codec;
    PieceName name;
    PageSet data;
    Bytes payload{};  ///< the codec's
    std::uint32_t checksum = 0;
};

/// 0, or the errno.
int write_at(int file, Bytes bytes, std::uint64_t offset) {
    while (bytes.size) {
        const ssize_t wrote = pwrite(file, bytes.data, bytes.size, off_t(offset));
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return wrote < 0 ? errno : ENOSPC;
        bytes = {bytes.data + wrote, bytes.size - std::size_t(wrote)};
        offset += std::uint64_t(wrote);
    }
    return 0;
}

struct PutJob {
    PieceName name;
    PieceDigest digest;
    int error = 0;
};

/// A job for each piece. `take` deals with the oldest one, so in their order; false when it gives up.
template <class Job, class Take>
bool work_through(const std::vector<PieceName>& pieces, WorkerCrew<Job>& crew, Take take) {
    for (const PieceName& name : pieces) {
        if (crew.full() && !take()) return false;
        crew.next().name = name;
        crew.give();
    }
    while (!crew.idle())
        if (!take()) return false;
    return true;
}

}  // namespace

bool write_pages(SectionWriter& out, const std::vector<BlockSource>& blocks, const SnapshotOptions& options,
                 SnapshotProgress& progress, Errors& errors) {
    const std::vector<PieceName> pieces = pieces_to_save(blocks);
    begin(blocks, pieces, progress);
    WorkerCrew<PackJob> crew(worker_count(options.workers), [&](PackJob& job) {
        const Bytes memory = piece_of(blocks[job.name.block].memory, job.name.piece);
        job.data = pages_with_data(memory);
        if (job.data == PageSet{}) return;
        job.payload = job.codec.pack(job.name.block, job.name.piece, memory, job.data, options.level);
        job.checksum = checksum::crc32c(job.payload);
    });
    const auto take = [&] {
        PackJob& job = crew.oldest();
        const bool ok = job.data == PageSet{} ? go_on(progress, errors)
                                              : out.write(kPages, job.payload, job.checksum, errors);
        count(job.data, piece_of(blocks[job.name.block].memory, job.name.piece).size, progress);
        crew.release();
        return ok;
    };
    return work_through(pieces, crew, take);
}

bool write_pages_to_file(int file, const std::vector<BlockSource>& blocks,
                         const std::vector<BlockEntry>& entries, std::vector<BlockDigest>& digests,
                         const SnapshotOptions& options, SnapshotProgress& progress, Errors& errors) {
    const std::vector<PieceName> pieces = pieces_to_save(blocks);
    begin(blocks, pieces, progress);
    digests.resize(blocks.size());
    for (std::uint32_t block = 0; block < blocks.size(); ++block) digests[block] = {block, {}};
    WorkerCrew<PutJob> crew(worker_count(options.workers), [&](PutJob& job) {
        const Bytes memory = piece_of(blocks[job.name.block].memory, job.name.piece);
        const std::uint64_t offset = entries[job.name.block].file_offset + job.name.piece * kPiece;
        job.error = 0;
        job.digest = {job.name.piece, 0, pages_with_data(memory)};
        job.digest.checksum = checksum_of(memory, job.digest.data);
        for_each_run(job.digest.data, [&](unsigned first, unsigned pages) {
            if (job.error == 0)
                job.error =
                    write_at(file, {memory.data + first * kPage, pages * kPage}, offset + first * kPage);
        });
    });
    const auto take = [&] {
        const PutJob& job = crew.oldest();
        if (job.error == 0 && job.digest.data.count() != 0)
            digests[job.name.block].pieces.push_back(job.digest);
        if (job.error != 0) errors.fail(std::string("writing: ") + std::strerror(job.error));
        count(job.digest.data, piece_of(blocks[job.name.block].memory, job.name.piece).size, progress);
        progress.transferred += job.digest.data.count() * kPage;
        const bool ok = job.error == 0 && go_on(progress, errors);
        crew.release();
        return ok;
    };
    return work_through(pieces, crew, take);
}

}  // namespace backplane::kernel::snapshot
