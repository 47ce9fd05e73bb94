// What a debugger asks of a vCPU, as the debug registers of the host's processor do it.
//
// Follows api.rst, KVM_SET_GUEST_DEBUG and KVM_EXIT_DEBUG, and SDM 3B chapter 17 (debug registers). All points, also software
// breakpoints, are in the four debug registers: the guest's memory is left alone.
#pragma once

#include "system.h"

#include <backplane/draft/debug.h>

#include <array>
#include <memory>

namespace backplane::kvm {

/// Points that fit into the debug registers. Never changed once it is shared.
class DebugPoints {
  public:
    static constexpr std::size_t kMost = 4;
    /// Null: too many, too wide, or of a kind that the processor has not.
    static std::shared_ptr<const DebugPoints> make(Slice<const DebugPoint> points);

    void fill(kvm_guest_debug& debug) const;
    /// The point of register `number`.
    const DebugPoint& point(unsigned number) const { return points_[number]; }
    std::size_t count() const { return count_; }

  private:
    std::array<DebugPoint, kMost> points_{};
    std::size_t count_ = 0;
};

}  // namespace backplane::kvm
