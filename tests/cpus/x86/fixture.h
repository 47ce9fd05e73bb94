// A processor on the bench, and an accelerator that gives what the test says.
#pragma once

#include <backplane/draft/x86/processor.h>
#include <backplane/testing/bench.h>
#include <backplane/text.h>

#include <gtest/gtest.h>

#include <cstring>
#include <map>

namespace backplane::x86::testing {

using backplane::testing::DeviceBench;
using backplane::testing::Properties;

/// Everything is given but for what is taken away.
class TestSupport final : public ProcessorSupport {
  public:
    Str name() const override { return "TCG"; }
    CpuidRegisters cpuid(std::uint32_t leaf, std::uint32_t subleaf) const override {
        if (leaf == 0xd && subleaf == 0) return {0x7, 0, 0, 0};
        if (leaf == 0xd && subleaf == 2) return {0x100, 0x240, 0, 0};
        if (leaf == 0xd && subleaf > 1) return {};
        CpuidRegisters value{~0u, ~0u, ~0u, ~0u};
        const auto found = taken.find({leaf, subleaf});
        if (found == taken.end()) return value;
        return {~found->second.eax, ~found->second.ebx, ~found->second.ecx, ~found->second.edx};
    }
    std::optional<std::uint64_t> feature_msr(std::uint32_t) const override { return ~std::uint64_t{0}; }
    bool runs_on_host() const override { return on_host; }
    std::uint32_t paravirtual_features() const override { return 0; }
    Str paravirtual_signature() const override { return "TestTestTest"; }
    std::optional<CpuidRegisters> hyperv(std::uint32_t leaf) const override {
        if (hyperv_leaves.empty()) return std::nullopt;
        const auto found = hyperv_leaves.find(leaf);
        return found == hyperv_leaves.end() ? CpuidRegisters{} : found->second;
    }
    unsigned physical_bits() const override { return 46; }

    std::map<std::pair<std::uint32_t, std::uint32_t>, CpuidRegisters> taken;
    std::map<std::uint32_t, CpuidRegisters> hyperv_leaves;
    bool on_host = false;
};

class ProcessorTest : public ::testing::Test {
  protected:
    void make(std::string_view model, const Properties& properties = {}) {
        bench.add(std::string(model) + "-x86_64-cpu", "cpu", properties);
        processor = query<Processor>(bench.device());
        cpu = query<Cpu>(bench.device());
        control = query<ProcessorControl>(bench.device());
    }
    void settle() { ASSERT_TRUE(processor->settle(support, errors)) << errors.text(); }
    X86State& state() { return *static_cast<X86State*>(cpu->state()); }
    CpuidRegisters cpuid(std::uint32_t leaf, std::uint32_t subleaf = 0) {
        return processor->cpuid(leaf, subleaf);
    }

    DeviceBench bench;
    TestSupport support;
    ErrorText errors;
    Processor* processor = nullptr;
    Cpu* cpu = nullptr;
    ProcessorControl* control = nullptr;
};

}  // namespace backplane::x86::testing
