// What remains of a model on an accelerator, and what CPUID shows of it.
#include "cpuid.h"
#include "monitor/listing.h"
#include "x86_cpu.h"

#include <algorithm>
#include <cstdio>

namespace backplane::x86 {

namespace {

constexpr std::size_t kHypervVendor = 12;
constexpr const char* kRegisterNames[] = {"EAX", "EBX", "ECX", "EDX"};

std::uint32_t of(const CpuidRegisters& value, Register reg) {
    switch (reg) {
    case Register::Eax: return value.eax;
    case Register::Ebx: return value.ebx;
    case Register::Ecx: return value.ecx;
    case Register::Edx: break;
    }
    return value.edx;
}

/// As users know the place of a bit: "CPUID[eax=07h,ecx=00h].EBX.avx2 [bit 5]".
std::string place_of(const Feature& feature) {
    const WordInfo& info = kWords[std::size_t(feature.word)];
    char text[128];
    if (info.msr)
        std::snprintf(text, sizeof text, "MSR(%XH).%s [bit %u]", info.leaf, feature.name, feature.bit);
    else if (info.indexed)
        std::snprintf(text, sizeof text, "CPUID[eax=%02Xh,ecx=%02Xh].%s.%s [bit %u]", info.leaf, info.subleaf,
                      kRegisterNames[std::size_t(info.reg)], feature.name, feature.bit);
    else
        std::snprintf(text, sizeof text, "CPUID[eax=%02Xh].%s.%s [bit %u]", info.leaf,
                      kRegisterNames[std::size_t(info.reg)], feature.name, feature.bit);
    return text;
}

/// Models have it for the sake of their hardware, the default one among them, and few guests look for it.
bool of_nested_guests(const Feature& feature) {
    constexpr std::string_view kSvm = "svm";
    return feature.word == Word::Leaf8000000aEdx || feature.name == kSvm;
}

}  // namespace

Features supported_features(const ProcessorSupport& support) {
    Features all;
    for (std::size_t i = 0; i < kWordCount; ++i) {
        const WordInfo& info = kWords[i];
        all.words[i] = info.msr ? support.feature_msr(info.leaf).value_or(0)
                                : of(support.cpuid(info.leaf, info.subleaf), info.reg);
    }
    all[Word::Leaf40000001Eax] = support.paravirtual_features();
    return all;
}

/// A counter that never changes its pace is not where a saved machine may go.
Features X86Cpu::all_for(Features given) const {
    if (settings_.migratable) given.set(x86::feature<"invtsc">(), false);
    return given;
}

void X86Cpu::take_all_of(const ProcessorSupport& support) {
    if (!shows_all_there_is()) return;
    const Features given = all_for(supported_features(support));
    for (std::size_t i = 0; i < kWordCount; ++i) switched_on_.words[i] |= given.words[i];
}

bool X86Cpu::settle(const ProcessorSupport& support, Errors& errors) {
    if (kind_ == Model::Kind::Host && !support.runs_on_host()) {
        errors.fail("CPU model 'host' requires KVM: -cpu max has all that this accelerator can give");
        return false;
    }
    support_ = &support;
    const Features given = supported_features(support);
    entries_.clear();
    Features wanted_features = wanted();
    // What the guest of an accelerator has beside its model.
    wanted_features[Word::Leaf40000001Eax] |=
        support.paravirtual_features() & ~switched_off_[Word::Leaf40000001Eax];
    if (shows_all_there_is()) {
        const Features all = all_for(given);
        for (std::size_t i = 0; i < kWordCount; ++i)
            wanted_features.words[i] |= all.words[i] & ~switched_off_.words[i];
    }
    adjust(wanted_features, given);
    Features missing;
    for (std::size_t i = 0; i < kWordCount; ++i) {
        missing.words[i] = wanted_features.words[i] & ~given.words[i];
        features_.words[i] = wanted_features.words[i] & given.words[i];
    }
    if (!warn_of_missing(missing, support, errors)) return false;
    if (settings_.physical_bits && support.runs_on_host() &&
        settings_.physical_bits != support.physical_bits() && bootstrap())
        context_.log().write(LogLevel::Warning, "cpu",
                             "Host physical bits (" + std::to_string(support.physical_bits()) +
                                 ") does not match phys-bits property (" +
                                 std::to_string(settings_.physical_bits) + ")");
    if (!settle_hyperv(support, errors)) return false;
    const Cpuid cpuid(*this, support);
    state_.xsave_size = cpuid.xsave_size();
    entries_ = cpuid.entries();
    return true;
}

/// What guests of an accelerator have otherwise than the model says it, unless the user has a word to it.
void X86Cpu::adjust(Features& features, const Features& given) const {
    if (kind_ != Model::Kind::Named) return;
    const auto drop = [&](const Feature& feature) { features.set(feature, switched_on_.has(feature)); };
    if (!support_->runs_on_host()) return drop(x86::feature<"vme">());
    drop(x86::feature<"monitor">());
    drop(x86::feature<"acpi">());
    drop(x86::feature<"svm">());
    if (!features.has(x86::feature<"svm">()))
        features[Word::Leaf8000000aEdx] &= switched_on_[Word::Leaf8000000aEdx];
    if (given.has(x86::feature<"x2apic">()) && !switched_off_.has(x86::feature<"x2apic">()))
        features.set(x86::feature<"x2apic">(), true);
}

bool X86Cpu::settle_hyperv(const ProcessorSupport& support, Errors& errors) {
    const HypervSettings& wanted = settings_.hyperv;
    hyperv_ = HypervLeaves();
    if (!wanted.any()) return true;
    if (!support.hyperv(HypervLeaves::kFeatures)) {
        errors.fail(
            "hv-…: this accelerator shows guests no interface of Hyper-V: leave them out, or use -accel kvm");
        return false;
    }
    if (const std::string reason = lacking(wanted); !reason.empty()) {
        errors.fail(reason);
        return false;
    }
    std::vector<std::string> missing;
    hyperv_ = HypervLeaves(wanted, support, missing);
    const std::string start = std::string(support.name().view()) + " doesn't support requested feature: ";
    const auto warn = [&](const std::string& text) { context_.log().write(LogLevel::Warning, "cpu", text); };
    if (bootstrap() && wanted.vendor.size() > kHypervVendor) warn("hv-vendor-id truncated to 12 characters");
    if (bootstrap() && (settings_.check || settings_.enforce))
        for (const std::string& name : missing) warn(start + name);
    if (missing.empty() || !settings_.enforce) return true;
    errors.fail(start + missing.front() + ": leave it out, or leave out enforce");
    return false;
}

Hyperv X86Cpu::hyperv() const {
    return {.shown = hyperv_.shown(),
            .enforced = hyperv_.shown() && settings_.hyperv.enforce_cpuid,
            .interrupts = hyperv_.has("hv-synic"),
            .enlightened_vmcs = hyperv_.has("hv-evmcs"),
            .direct_flush = hyperv_.has("hv-tlbflush-direct")};
}

/// Once for all processors, as they are all of one model.
bool X86Cpu::warn_of_missing(const Features& missing, const ProcessorSupport& support, Errors& errors) {
    if (missing == Features{}) return true;
    const std::string start = std::string(support.name().view()) + " doesn't support requested feature: ";
    std::vector<const Feature*> all;
    for (const Feature& feature : kFeatures)
        if (missing.has(feature)) all.push_back(&feature);
    std::ranges::sort(all, {}, [](const Feature* f) { return std::pair(f->word, f->bit); });
    // A translator lacks it always: that is worth a word to those who asked for it by name.
    const auto quiet = [&](const Feature& feature) {
        return !support.runs_on_host() && of_nested_guests(feature) && !switched_on_.has(feature);
    };
    if (bootstrap() && (settings_.check || settings_.enforce))
        for (const Feature* feature : all)
            if (settings_.enforce || !quiet(*feature))
                context_.log().write(LogLevel::Warning, "cpu", start + place_of(*feature));
    if (!settings_.enforce) return true;
    const std::string first = all.front()->name;
    errors.fail(std::string(support.name().view()) + " doesn't support requested features (" + first +
                " is the first): leave them out (-cpu …,-" + first + "), or leave out enforce");
    return false;
}

}  // namespace backplane::x86
