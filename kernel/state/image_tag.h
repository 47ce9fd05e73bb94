// What kinds of items a table's saved image has; integers have their width in bytes as their tag.
#pragma once

#include <backplane/state.h>

namespace backplane::kernel {

namespace image_tag {
inline constexpr std::uint8_t kBytes = 16, kTimer = 17, kGroup = 18;
constexpr bool integers(std::uint8_t tag) { return tag == 1 || tag == 2 || tag == 4 || tag == 8; }
}  // namespace image_tag

/// How many elements of a group mean something, in the element of the groups around it that `shift` leads to.
std::uint32_t used_elements(const StateGroup& group, std::ptrdiff_t shift);

}  // namespace backplane::kernel
