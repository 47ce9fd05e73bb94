// The x86-64 back end behind the engine's interface.
#include "emitter.h"
#include "helpers.h"

#include <Zydis/Zydis.h>

#include <cstring>
#include <xmmintrin.h>

namespace backplane::tcg {

namespace x64 {
namespace {

class X64Backend final : public Backend {
  public:
    X64Backend(const GuestDescription& guest, HotArea& hot, CodeMemory memory)
        : hot_(hot), memory_(memory), emitter_(guest, hot, memory, detect_host()) {}

    std::uint32_t emit_thunks(const Services& services) override { return emitter_.emit_thunks(services); }
    void emit(const EmitRequest& request, EmitResult& result) override { emitter_.emit(request, result); }

    void redirect(const DirectExit& exit, std::uint32_t to) override {
        const std::int32_t relative = std::int32_t(to) - std::int32_t(exit.patch + 4);
        std::memcpy(memory_.data + exit.patch, &relative, sizeof relative);
    }

    std::uint64_t enter(const void* code, void* state) override {
        using Enter = std::uint64_t (*)(const void*, void*);
        return reinterpret_cast<Enter>(memory_.data + emitter_.thunks().enter)(code, state);
    }

    bool takes_native() const override { return emitter_.takes_native(); }

    const void* miss_code() const override { return memory_.data + emitter_.thunks().miss; }

    void disassemble(std::uint32_t from, std::uint32_t to, TextSink& out) const override {
        ZydisDecoder decoder;
        ZydisFormatter formatter;
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
        ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
        while (from < to) {
            ZydisDecodedInstruction instruction;
            ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
            const ZyanU64 address = reinterpret_cast<std::uintptr_t>(memory_.data) + from;
            char text[160];
            const int prefix =
                std::snprintf(text, 40, "  0x%llx:  ", static_cast<unsigned long long>(address));
            if (!ZYAN_SUCCESS(
                    ZydisDecoderDecodeFull(&decoder, memory_.data + from, to - from, &instruction, operands)))
                break;
            ZydisFormatterFormatInstruction(&formatter, &instruction, operands,
                                            instruction.operand_count_visible, text + prefix,
                                            sizeof text - std::size_t(prefix), address, nullptr);
            out.append(text);
            out.append("\n");
            from += instruction.length;
        }
    }

    std::uint32_t take_fp_exceptions(bool live) override {
        const std::uint32_t mode = live ? _mm_getcsr() : hot_.guest_fp_mode;
        if (!(mode & 0x3f)) return 0;
        hot_.guest_fp_mode &= ~0x3fu;
        if (live) _mm_setcsr(mode & ~0x3fu);
        return sticky_exceptions(mode);
    }

    void set_fp_rounding(FpRounding rounding, bool live) override {
        const std::uint32_t bits = rounding_bits(rounding);
        hot_.guest_fp_mode = (hot_.guest_fp_mode & ~kRoundingMask) | bits;
        if (live) _mm_setcsr((_mm_getcsr() & ~kRoundingMask) | bits);
    }

    std::uint32_t fp_mode(bool live) const override { return live ? _mm_getcsr() : hot_.guest_fp_mode; }

    void set_fp_mode(std::uint32_t word, bool live) override {
        hot_.guest_fp_mode = (word & 0xffff) | 0x1f80;  // reserved bits would fault
        if (live) _mm_setcsr(hot_.guest_fp_mode);
    }

    std::uint32_t enter_host_fp() override {
        const std::uint32_t saved = _mm_getcsr();
        _mm_setcsr(hot_.host_fp_mode);
        return saved;
    }
    void leave_host_fp(std::uint32_t saved) override { _mm_setcsr(saved); }

  private:
    HotArea& hot_;
    CodeMemory memory_;
    Emitter emitter_;
};

}  // namespace
}  // namespace x64

std::unique_ptr<Backend> make_backend(const GuestDescription& guest, HotArea& hot, CodeMemory memory,
                                      std::string& reason) {
    if (reinterpret_cast<std::uintptr_t>(&hot) + sizeof hot > 0x7fffffffu) {
        reason = "the translator's tables do not lie below 2 GiB";
        return nullptr;
    }
    return std::make_unique<x64::X64Backend>(guest, hot, memory);
}

}  // namespace backplane::tcg
