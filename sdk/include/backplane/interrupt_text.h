// Interrupt controllers as people see them: "info pic" in monitors shows each that a machine has, "info lapic" the one that
// belongs to a processor.
//
// Thread, for everything here: holding the machine lock.
#pragma once

#include <backplane/object.h>

namespace backplane {

/// Offered by a device of its machine's.
class InterruptControllerText {
  public:
    static constexpr const char* kId = "backplane.interrupt-controller-text/1";
    /// Appends what it holds, in whole lines.
    virtual void describe(TextSink& out) = 0;

  protected:
    ~InterruptControllerText() = default;
};

/// Offered by a controller that counts what comes in: "info irq".
class InterruptCounts {
  public:
    static constexpr const char* kId = "backplane.interrupt-counts/1";
    /// The machine's number for its first input.
    virtual unsigned first_line() const = 0;
    /// How often each input has risen since the controller was made.
    virtual Slice<const std::uint64_t> counts() const = 0;

  protected:
    ~InterruptCounts() = default;
};

/// Offered by a local APIC. Its processor stands still.
class LocalApicView {
  public:
    static constexpr const char* kId = "backplane.local-apic-view/1";
    virtual const Object* processor() const = 0;
    virtual bool x2apic() const = 0;
    /// The register at offset `number` * 16 of its page (SDM 3A, table 11-1), also in x2APIC mode; 0: there is none.
    virtual std::uint32_t look(unsigned number) const = 0;

  protected:
    ~LocalApicView() = default;
};

}  // namespace backplane
