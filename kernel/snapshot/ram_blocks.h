// Blocks of RAM as a saved machine has them: what is to be saved, and what was received.
#pragma once

#include "kernel/memory/ram_contents.h"
#include "kernel/snapshot/page_codec.h"
#include "kernel/snapshot/stream.h"

namespace backplane::kernel::snapshot {

/// One that is to be saved, while nobody changes it.
struct BlockSource {
    std::string id;
    Bytes memory;
    int descriptor = -1;  ///< of a memfd with the same bytes, which knows where nothing was ever stored
};

struct PieceName {
    std::uint32_t block = 0;
    std::uint32_t piece = 0;
};
/// The pieces that may have something in them.
std::vector<PieceName> pieces_to_save(const std::vector<BlockSource>& blocks);
Bytes piece_of(Bytes memory, std::uint32_t piece);

/// 'bloc': its id, its size, and where it stands in the file (0: in sections).
struct BlockEntry {
    std::string id;
    std::uint64_t size = 0;
    std::uint64_t file_offset = 0;
};
std::vector<std::uint8_t> encode(const BlockEntry& entry);
bool decode(Bytes payload, BlockEntry& entry);

/// What a block of a file has to be: 'digs'.
struct PieceDigest {
    std::uint32_t piece = 0;
    std::uint32_t checksum = 0;  ///< of the pages in `data`
    PageSet data;                ///< the others are zero
};
struct BlockDigest {
    std::uint32_t block = 0;
    std::vector<PieceDigest> pieces;  ///< in order; what is not named is zero
};
std::vector<std::uint8_t> encode(const BlockDigest& digest);
bool decode(Bytes payload, BlockDigest& digest);
std::uint32_t checksum_of(Bytes piece, const PageSet& data);

/// A block of the machine that is to be loaded: what a saved one has to be like.
struct BlockWanted {
    std::string id;
    std::uint64_t size = 0;
};
/// One that was received, in the order of the stream.
struct BlockReceived {
    BlockEntry entry;
    RamContents contents;
};

}  // namespace backplane::kernel::snapshot
