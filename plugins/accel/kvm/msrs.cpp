#include "msrs.h"

#include <backplane/text.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace backplane::kvm {

namespace {

constexpr std::size_t kMost = 128;
struct Block {
    alignas(kvm_msrs) std::array<std::uint8_t, sizeof(kvm_msrs) + kMost * sizeof(kvm_msr_entry)> bytes{};
    kvm_msrs& head() { return *reinterpret_cast<kvm_msrs*>(bytes.data()); }
    kvm_msr_entry& entry(std::size_t i) {
        return reinterpret_cast<kvm_msr_entry*>(bytes.data() + sizeof(kvm_msrs))[i];
    }
};

std::uint64_t& word(x86::X86State& state, std::size_t offset) {
    return *reinterpret_cast<std::uint64_t*>(reinterpret_cast<char*>(&state) + offset);
}

std::string name_of(std::uint32_t index) {
    for (const Slice<const x86::MsrField> fields :
         {Slice<const x86::MsrField>(x86::kMsrFields), Slice<const x86::MsrField>(x86::kHypervMsrFields)})
        for (const x86::MsrField& field : fields)
            if (index - field.index < field.count) return "MSR 0x" + hex(index) + " (" + field.name + ")";
    return "MSR 0x" + hex(index);
}

}  // namespace

bool get_msr(const Descriptor& vcpu, std::uint32_t index, std::uint64_t& value) {
    Block block;
    block.head().nmsrs = 1;
    block.entry(0).index = index;
    if (request(vcpu, KVM_GET_MSRS, &block) != 1) return false;
    value = block.entry(0).data;
    return true;
}

bool set_msr(const Descriptor& vcpu, std::uint32_t index, std::uint64_t value) {
    Block block;
    block.head().nmsrs = 1;
    block.entry(0).index = index;
    block.entry(0).data = value;
    return request(vcpu, KVM_SET_MSRS, &block) == 1;
}

void MsrSync::add(const x86::MsrField& field) {
    for (std::uint32_t i = 0; i < field.count; ++i)
        places_.push_back(
            {field.index + i, field.offset + i * sizeof(std::uint64_t), field.index == x86::msr::kTscAdjust});
}

/// All at once: the kernel stops at the first that it refuses and says how far it came; what follows is asked for again.
void MsrSync::probe(const Descriptor& vcpu, const x86::Hyperv& hyperv, Refusals& refusals) {
    places_.clear();
    for (const x86::MsrField& field : x86::kMsrFields) add(field);
    for (const x86::MsrField& field : x86::kHypervMsrFields) {
        const bool of_interrupts =
            field.index >= x86::msr::kHypervSynicFirst && field.index <= x86::msr::kHypervSynicLast;
        if (of_interrupts ? hyperv.interrupts : hyperv.shown) add(field);
    }
    places_.push_back({x86::msr::kTsc, offsetof(x86::X86State, tsc), true});
    Block block;
    for (std::size_t at = 0; at < places_.size();) {
        const std::size_t count = std::min(kMost, places_.size() - at);
        block.head().nmsrs = std::uint32_t(count);
        for (std::size_t i = 0; i < count; ++i) block.entry(i).index = places_[at + i].index;
        const int done = std::max(0, request(vcpu, KVM_GET_MSRS, &block));
        at += std::size_t(done);
        if (std::size_t(done) == count) continue;
        refusals.say(name_of(places_[at].index), 0);
        places_.erase(places_.begin() + std::ptrdiff_t(at));
    }
}

/// One that is refused all the same is left as it is.
void MsrSync::get(const Descriptor& vcpu, x86::X86State& state, Refusals& refusals) {
    Block block;
    for (std::size_t at = 0; at < places_.size();) {
        const std::size_t count = std::min(kMost, places_.size() - at);
        block.head().nmsrs = std::uint32_t(count);
        for (std::size_t i = 0; i < count; ++i) block.entry(i).index = places_[at + i].index;
        const int done = std::max(0, request(vcpu, KVM_GET_MSRS, &block));
        for (int i = 0; i < done; ++i) word(state, places_[at + i].offset) = block.entry(i).data;
        at += std::size_t(done);
        if (std::size_t(done) == count) continue;
        refusals.say(name_of(places_[at].index), 0);
        ++at;
    }
}

void MsrSync::set(const Descriptor& vcpu, x86::X86State& state, bool with_time, Refusals& refusals) {
    std::vector<Place> wanted;
    for (const Place& place : places_)
        if (with_time || !place.counts) wanted.push_back(place);
    Block block;
    for (std::size_t at = 0; at < wanted.size();) {
        const std::size_t count = std::min(kMost, wanted.size() - at);
        block.head().nmsrs = std::uint32_t(count);
        for (std::size_t i = 0; i < count; ++i) {
            block.entry(i).index = wanted[at + i].index;
            block.entry(i).data = word(state, wanted[at + i].offset);
        }
        const int done = std::max(0, request(vcpu, KVM_SET_MSRS, &block));
        at += std::size_t(done);
        if (std::size_t(done) == count) continue;
        refusals.say("to set " + name_of(wanted[at].index) + " to 0x" + hex(word(state, wanted[at].offset)),
                     0);
        ++at;
    }
}

}  // namespace backplane::kvm
