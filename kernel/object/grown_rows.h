// Rows of plugins that were built with other sizes of them, at this host's sizes.
#pragma once

#include <backplane/type.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

namespace backplane::kernel {

template <class Row>
Row read_row(const void* rows, std::size_t index, std::uint32_t size) {
    Row row;
    std::memcpy(static_cast<void*>(&row), static_cast<const char*>(rows) + index * size,
                std::min<std::size_t>(size, sizeof row));
    return row;
}

/// Keeps the copies that it makes for as long as it lives. What a shorter row does not have keeps its default; what a
/// longer one has beyond this host's members is not looked at.
class GrownRows {
  public:
    TypeInfo type(const TypeTable& table, std::size_t index);

    /// `given` counts rows of `size` bytes each.
    template <class Row>
    Slice<const Row> rows(Slice<const Row> given, std::uint32_t size) {
        if (size == sizeof(Row) || given.empty()) return given;
        auto copies = std::make_shared<std::vector<Row>>();
        for (std::size_t i = 0; i < given.size; ++i) copies->push_back(read_row<Row>(given.data, i, size));
        kept_.push_back(copies);
        return {copies->data(), copies->size()};
    }

  private:
    template <class Row, class Inner>
    void inner_rows(Slice<const Row>& outer, Slice<const Inner> Row::*member, std::uint32_t size);

    std::vector<std::shared_ptr<void>> kept_;
};

}  // namespace backplane::kernel
