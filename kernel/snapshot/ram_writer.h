// RAM on its way out: as 'page' sections, or as it is into a file.
#pragma once

#include "kernel/snapshot/ram_blocks.h"

namespace backplane::kernel::snapshot {

/// The sections of all pages that are not zero, in order; packed on several threads.
bool write_pages(SectionWriter& out, const std::vector<BlockSource>& blocks, const SnapshotOptions& options,
                 SnapshotProgress& progress, Errors& errors);

/// Puts each block at its entry's place in the file, leaving holes for zero pages; on several threads.
bool write_pages_to_file(int file, const std::vector<BlockSource>& blocks,
                         const std::vector<BlockEntry>& entries, std::vector<BlockDigest>& digests,
                         const SnapshotOptions& options, SnapshotProgress& progress, Errors& errors);

}  // namespace backplane::kernel::snapshot
