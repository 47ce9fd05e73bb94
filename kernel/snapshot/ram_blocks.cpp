#include "kernel/snapshot/ram_blocks.h"

#include "kernel/snapshot/bytes.h"

#include <lib/crc32c.h>

#include <algorithm>

#include <unistd.h>

namespace backplane::kernel::snapshot {

namespace {

/// Runs `visit(first, end)` over the stretches of bytes that were ever stored to, as far as the host knows.
template <class Visit>
void for_each_stretch(const BlockSource& block, Visit&& visit) {
    const auto size = off_t(block.memory.size);
    for (off_t at = 0; at < size;) {
        const off_t first = block.descriptor < 0 ? -1 : lseek(block.descriptor, at, SEEK_DATA);
        if (first < 0 && block.descriptor >= 0 && errno == ENXIO) return;
        if (first < 0 || first >= size) {
            if (first < 0) visit(at, size);
            return;
        }
        off_t end = lseek(block.descriptor, first, SEEK_HOLE);
        end = end < 0 ? size : std::min(end, size);
        visit(first, end);
        at = end;
    }
}

}  // namespace

std::vector<PieceName> pieces_to_save(const std::vector<BlockSource>& blocks) {
    std::vector<PieceName> pieces;
    for (std::uint32_t block = 0; block < blocks.size(); ++block) {
        std::uint64_t next = 0;
        for_each_stretch(blocks[block], [&](off_t first, off_t end) {
            const std::uint64_t last = (std::uint64_t(end) + kPiece - 1) / kPiece;
            for (next = std::max(next, std::uint64_t(first) / kPiece); next < last; ++next)
                pieces.push_back({block, std::uint32_t(next)});
        });
    }
    return pieces;
}

Bytes piece_of(Bytes memory, std::uint32_t piece) {
    const std::uint64_t offset = piece * kPiece;
    return {memory.data + offset, std::size_t(std::min(kPiece, memory.size - offset))};
}

std::vector<std::uint8_t> encode(const BlockEntry& entry) {
    ByteWriter out;
    out.text(entry.id);
    out.number(entry.size);
    out.number(entry.file_offset);
    return out.take();
}

bool decode(Bytes payload, BlockEntry& entry) {
    ByteReader in(payload);
    entry.id = in.text();
    entry.size = in.number<std::uint64_t>();
    entry.file_offset = in.number<std::uint64_t>();
    return in.complete();
}

std::uint32_t checksum_of(Bytes piece, const PageSet& data) {
    std::uint32_t sum = 0;
    for_each_run(data, [&](unsigned first, unsigned count) {
        sum = checksum::crc32c({piece.data + first * kPage, count * kPage}, sum);
    });
    return sum;
}

std::vector<std::uint8_t> encode(const BlockDigest& digest) {
    ByteWriter out;
    out.number(digest.block);
    out.number(std::uint32_t(digest.pieces.size()));
    for (const PieceDigest& piece : digest.pieces) {
        out.number(piece.piece);
        out.number(piece.checksum);
        for (const std::uint64_t word : piece.data.words) out.number(word);
    }
    return out.take();
}

bool decode(Bytes payload, BlockDigest& digest) {
    ByteReader in(payload);
    digest.block = in.number<std::uint32_t>();
    const auto count = in.number<std::uint32_t>();
    digest.pieces.clear();
    for (std::uint32_t i = 0; i < count && !in.ran_short(); ++i) {
        PieceDigest piece;
        piece.piece = in.number<std::uint32_t>();
        piece.checksum = in.number<std::uint32_t>();
        for (std::uint64_t& word : piece.data.words) word = in.number<std::uint64_t>();
        if (i > 0 && piece.piece <= digest.pieces.back().piece) return false;
        digest.pieces.push_back(piece);
    }
    return in.complete();
}

}  // namespace backplane::kernel::snapshot
