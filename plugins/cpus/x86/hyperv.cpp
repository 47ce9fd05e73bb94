#include "hyperv.h"

#include <algorithm>
#include <cstring>

namespace backplane::x86 {

namespace {

constexpr std::uint32_t kHypercallMsrs = 1u << 5;   ///< leaf 3 EAX: with these a guest can begin at all
constexpr std::uint32_t kNoCoreSharing = 1u << 18;  ///< leaf 4 EAX
constexpr std::uint32_t kVmcsVersions = 0xffff;     ///< leaf 10 EAX
constexpr std::uint32_t kInterface = 0x31237648;    ///< "Hv#1"
constexpr std::uint32_t kLogicalProcessors = 64;
constexpr std::size_t kVendorLength = 12;

bool within(const Enlightenment& row, const CpuidRegisters& features, const CpuidRegisters& recommendations,
            const CpuidRegisters& nested) {
    return (row.features_eax & ~features.eax) == 0 && (row.features_edx & ~features.edx) == 0 &&
           (row.recommendations_eax & ~recommendations.eax) == 0 && (row.nested_eax & ~nested.eax) == 0;
}

}  // namespace

std::string lacking(const HypervSettings& settings) {
    for (std::size_t i = 0; i < kEnlightenmentCount && !settings.passthrough; ++i)
        for (const char* need : kEnlightenments[i].needs)
            if ((settings.wanted >> i & 1) && need && !(settings.wanted & enlightenment_bit(need)))
                return std::string(kEnlightenments[i].name) + " needs " + need + ": add " + need +
                       "=on to -cpu";
    return {};
}

HypervLeaves::HypervLeaves(const HypervSettings& settings, const ProcessorSupport& support,
                           std::vector<std::string>& missing)
    : settings_(settings) {
    if (!settings.any()) return;
    const CpuidRegisters features = support.hyperv(kFeatures).value_or(CpuidRegisters{});
    const CpuidRegisters recommendations = support.hyperv(kRecommendations).value_or(CpuidRegisters{});
    const CpuidRegisters nested = support.hyperv(kNested).value_or(CpuidRegisters{});
    shown_ = (features.eax & kHypercallMsrs) != 0;
    features_.eax = kHypercallMsrs;
    for (std::size_t i = 0; i < kEnlightenmentCount; ++i) {
        const Enlightenment& row = kEnlightenments[i];
        const bool wanted = (settings.wanted >> i & 1) != 0;
        if (!wanted && !settings.passthrough) continue;
        const bool complete =
            std::ranges::all_of(row.needs, [&](const char* need) { return !need || has(need); });
        if (shown_ && complete && within(row, features, recommendations, nested)) add(i);
        else if (wanted) missing.push_back(row.name);
    }
    if (has("hv-evmcs")) nested_.eax |= nested.eax & kVmcsVersions;
    if (!shown_ && settings.passthrough) missing.push_back("hv-passthrough");
    if (!shown_ && settings.spinlock_retries != HypervSettings::kNeverNotify)
        missing.push_back("hv-spinlocks");
    recommendations_.ebx = settings.passthrough && settings.spinlock_retries == HypervSettings::kNeverNotify
                               ? recommendations.ebx
                               : settings.spinlock_retries;
    const bool no_sharing =
        settings.no_core_sharing == CoreSharing::On ||
        (settings.no_core_sharing == CoreSharing::Auto && (recommendations.eax & kNoCoreSharing));
    if (no_sharing) recommendations_.eax |= kNoCoreSharing;
}

void HypervLeaves::add(std::size_t row) {
    given_ |= 1u << row;
    features_.eax |= kEnlightenments[row].features_eax;
    features_.edx |= kEnlightenments[row].features_edx;
    recommendations_.eax |= kEnlightenments[row].recommendations_eax;
    nested_.eax |= kEnlightenments[row].nested_eax;
}

std::uint32_t HypervLeaves::last() const { return nested_.eax != 0 ? kNested : kFirst + 5; }

CpuidRegisters HypervLeaves::leaf(std::uint32_t number) const {
    const HypervSettings& s = settings_;
    switch (number) {
    case kFirst: {
        std::uint32_t words[kVendorLength / 4] = {};
        std::memcpy(words, s.vendor.data(), std::min(s.vendor.size(), kVendorLength));
        return {last(), words[0], words[1], words[2]};
    }
    case kFirst + 1: return {kInterface, 0, 0, 0};
    case kFirst + 2:
        return {s.build, std::uint32_t(s.major) << 16 | s.minor, s.service_pack,
                std::uint32_t(s.service_branch) << 24 | (s.service_number & 0xffffff)};
    case kFeatures: return features_;
    case kRecommendations: return recommendations_;
    case kFirst + 5: return {std::uint32_t(s.most_processors), kLogicalProcessors, 0, 0};
    case kNested: return nested_;
    default: return {};
    }
}

}  // namespace backplane::x86
