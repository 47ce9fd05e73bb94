// Templates that were compiled, for all CPUs of a machine.
#pragma once

#include "compile.h"

#include <array>
#include <cstring>
#include <mutex>
#include <unordered_map>

namespace backplane::x86 {

/// Instruction::immediate2 where `immediate` is the template's code.
inline constexpr std::uint16_t kPreparedTemplate = 0xffff;

/// What a template did under a guest's MXCSR; where it raised, it wrote nothing.
struct SseOutcome {
    std::uint32_t mxcsr = 0;  ///< behind it
    bool raised = false;
};
/// Runs a vector template with the exceptions unmasked that `mxcsr` does not mask. Thread: any.
SseOutcome run_raising(TemplateCode code, X86State& state, void* memory, std::uint32_t mxcsr);

class TemplateCache {
  public:
    TemplateCache();
    ~TemplateCache();
    TemplateCache(const TemplateCache&) = delete;
    TemplateCache& operator=(const TemplateCache&) = delete;

    struct Found {
        TemplateCode code = nullptr;  ///< null: the host's processor refuses it, or `full`
        bool full = false;            ///< there is no room for more: compile it for each use
    };
    /// Thread: any.
    Found find(const Instruction& instruction);
    /// `run(code)` with a template that has no place here; false: the host's processor refuses it. Thread: any.
    template <class Run>
    bool with_uncached(const Instruction& instruction, Run run) {
        const std::lock_guard guard(mutex_);
        const TemplateCode code = make_uncached(instruction);
        if (code) run(code);
        return code != nullptr;
    }

    bool ready() const { return memory_ != nullptr; }

  private:
    static constexpr std::size_t kCapacity = 16u << 20;
    static constexpr std::size_t kMostTemplates = 200'000;  ///< with those that are refused
    static constexpr std::size_t kScratch = 4096;           ///< at its end, for with_uncached()
    using Key = std::array<std::uint64_t, sizeof(Instruction) / 8>;
    struct Hash {
        std::size_t operator()(const Key& key) const {
            std::uint64_t sum = 0;
            for (const std::uint64_t word : key) sum = (sum ^ word) * 0x9e3779b97f4a7c15u, sum ^= sum >> 29;
            return std::size_t(sum);
        }
    };

    TemplateCode make_uncached(const Instruction& instruction);

    std::mutex mutex_;
    std::unordered_map<Key, TemplateCode, Hash> all_;
    std::uint8_t* memory_ = nullptr;
    std::size_t used_ = 0;
};

}  // namespace backplane::x86
