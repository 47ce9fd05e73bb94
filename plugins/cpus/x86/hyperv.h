// Microsoft's hypervisor interface as a processor shows it: which enlightenments a user asks for, what of them an
// accelerator gives, and the CPUID leaves that follow.
//
// Follows Microsoft, "Hypervisor Top Level Functional Specification" (TLFS), 2.4. Not modelled: the debugger's transport
// (hv-syndbg), messages and events between partitions.
#pragma once

#include <backplane/draft/x86/processor.h>

#include <string>
#include <vector>

namespace backplane::x86 {

struct Enlightenment {
    const char* name;
    const char* summary;
    std::uint32_t features_eax, features_edx;  ///< leaf 0x40000003
    std::uint32_t recommendations_eax;         ///< leaf 0x40000004
    std::uint32_t nested_eax;                  ///< leaf 0x4000000a
    const char* needs[2];
};
inline constexpr Enlightenment kEnlightenments[] = {
#define BACKPLANE_ENLIGHTENMENT(name, summary, features_eax, features_edx, recommendations, nested, first, \
                                second)                                                                    \
    {name, summary, features_eax, features_edx, recommendations, nested, {first, second}},
#include "hyperv.inc"
#undef BACKPLANE_ENLIGHTENMENT
};
inline constexpr std::size_t kEnlightenmentCount = std::size(kEnlightenments);
static_assert(kEnlightenmentCount <= 32, "a bit of HypervSettings::wanted each");

/// Where they stand in the table.
constexpr std::uint32_t enlightenment_bit(std::string_view name) {
    for (std::size_t i = 0; i < kEnlightenmentCount; ++i)
        if (name == kEnlightenments[i].name) return 1u << i;
    return 0;
}

enum class CoreSharing : std::uint32_t { Off, On, Auto };

/// What a user asks for.
struct HypervSettings {
    static constexpr std::uint32_t kNeverNotify = 0xffffffff;

    std::uint32_t wanted = 0;  ///< enlightenment_bit()
    bool passthrough = false;
    bool enforce_cpuid = false;
    std::uint32_t spinlock_retries = kNeverNotify;
    CoreSharing no_core_sharing = CoreSharing::Off;
    std::string vendor = "Microsoft Hv";
    std::uint32_t build = 14393, service_pack = 0, service_number = 0;
    std::uint16_t major = 10, minor = 0;
    std::uint8_t service_branch = 0;
    std::int32_t most_processors = -1;

    bool any() const { return wanted != 0 || passthrough || spinlock_retries != kNeverNotify; }
};

/// What a guest sees.
class HypervLeaves {
  public:
    static constexpr std::uint32_t kFirst = 0x40000000, kFeatures = 0x40000003, kRecommendations = 0x40000004,
                                   kNested = 0x4000000a;

    HypervLeaves() = default;
    /// `missing`: what was asked for and is not to be had, in the user's words.
    HypervLeaves(const HypervSettings& settings, const ProcessorSupport& support,
                 std::vector<std::string>& missing);

    bool shown() const { return shown_; }
    bool has(std::string_view name) const { return (given_ & enlightenment_bit(name)) != 0; }
    std::uint32_t last() const;
    CpuidRegisters leaf(std::uint32_t number) const;

  private:
    void add(std::size_t row);

    HypervSettings settings_;
    bool shown_ = false;
    std::uint32_t given_ = 0;
    CpuidRegisters features_{}, recommendations_{}, nested_{};
};

/// An enlightenment that is wanted without one that it needs: a reason. Empty: none.
std::string lacking(const HypervSettings& settings);

}  // namespace backplane::x86
