// Pages of RAM in pieces of 1 MiB: which of them are not zero, and those, packed.
//
// Payload of a 'page' section: number of the block (4 bytes), of the piece in it (4), method (4: 0 as they are, 1 zstd),
// 0 (4), a bit for each of the 256 pages of the piece, and the pages whose bit is set, in order.
#pragma once

#include <backplane/abi.h>

#include <array>
#include <memory>
#include <optional>
#include <vector>

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace backplane::kernel::snapshot {

inline constexpr std::uint64_t kPage = 4096;
inline constexpr unsigned kPiecePages = 256;
inline constexpr std::uint64_t kPiece = kPage * kPiecePages;

/// Which pages of a piece have something in them.
struct PageSet {
    std::array<std::uint64_t, kPiecePages / 64> words{};
    bool has(unsigned page) const { return words[page / 64] >> page % 64 & 1; }
    void add(unsigned page) { words[page / 64] |= std::uint64_t{1} << page % 64; }
    unsigned count() const;
    bool operator==(const PageSet&) const = default;
};

bool is_zero(const std::uint8_t* page);
/// `piece`: whole pages, at most kPiecePages of them.
PageSet pages_with_data(Bytes piece);

/// Runs `visit(first, count)` over the runs of pages of `set`.
template <class Visit>
void for_each_run(const PageSet& set, Visit&& visit) {
    for (unsigned page = 0; page < kPiecePages;) {
        if (!set.has(page)) {
            ++page;
            continue;
        }
        unsigned end = page + 1;
        while (end < kPiecePages && set.has(end)) ++end;
        visit(page, end - page);
        page = end;
    }
}

/// Packs and unpacks, one piece at a time.
class PageCodec {
  public:
    /// The section's payload for the pages of `set`, until the next call. `level`: zstd's; 0: as they are.
    Bytes pack(std::uint32_t block, std::uint32_t piece, Bytes memory, const PageSet& set, int level);
    struct Head {
        std::uint32_t block = 0;
        std::uint32_t piece = 0;
    };
    static bool head(Bytes payload, Head& head);
    /// Writes the pages to `memory`, the piece where it lies: how many. Nothing when the payload is not one for such a
    /// piece.
    std::optional<unsigned> unpack(Bytes payload, MutableBytes memory);

  private:
    struct FreeContext {
        void operator()(ZSTD_CCtx_s* context) const;
        void operator()(ZSTD_DCtx_s* context) const;
    };
    std::unique_ptr<ZSTD_CCtx_s, FreeContext> compress_;
    std::unique_ptr<ZSTD_DCtx_s, FreeContext> expand_;
    std::vector<std::uint8_t> pages_;
    std::unique_ptr<std::uint8_t[]> packed_;
};

}  // namespace backplane::kernel::snapshot
