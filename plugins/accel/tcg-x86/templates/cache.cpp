// What the host's processor does not know, it is asked once: a new template runs on an empty state, under a handler for
// SIGILL. So no encoding that the tables let through can bring the process down. Likewise it is asked what it raises of SSE's
// exceptions, under a handler for SIGFPE.
#include "cache.h"

#include <csetjmp>
#include <csignal>

#include <sys/mman.h>
#include <ucontext.h>
#include <xmmintrin.h>

namespace backplane::x86 {

namespace {

thread_local sigjmp_buf* trial = nullptr;
thread_local sigjmp_buf* raising = nullptr;
thread_local std::uint32_t left = 0;  ///< MXCSR as an exception found it
struct sigaction previous_undefined, previous_floating;

void pass_on(const struct sigaction& previous, int signal, siginfo_t* information, void* context) {
    if (previous.sa_flags & SA_SIGINFO && previous.sa_sigaction)
        return previous.sa_sigaction(signal, information, context);
    if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) return previous.sa_handler(signal);
    sigaction(signal, &previous, nullptr);  // it comes again at once
}

void undefined_instruction(int signal, siginfo_t* information, void* context) {
    if (trial) siglongjmp(*trial, 1);
    pass_on(previous_undefined, signal, information, context);
}

void floating_exception(int signal, siginfo_t* information, void* context) {
    if (raising) {
        left = static_cast<ucontext_t*>(context)->uc_mcontext.fpregs->mxcsr;
        siglongjmp(*raising, 1);
    }
    pass_on(previous_floating, signal, information, context);
}

void handle(int signal, void (*handler)(int, siginfo_t*, void*), struct sigaction& previous) {
    struct sigaction action {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    sigaction(signal, &action, &previous);
}

void handle_undefined() {
    static std::once_flag once;
    std::call_once(once, [] { handle(SIGILL, undefined_instruction, previous_undefined); });
}

void handle_floating() {
    static std::once_flag once;
    std::call_once(once, [] { handle(SIGFPE, floating_exception, previous_floating); });
}

/// Does the host execute it?
bool runs(TemplateCode code) {
    handle_undefined();
    static thread_local X86State state;
    alignas(64) static thread_local std::uint8_t operand[128];
    constexpr std::uint16_t kControlWord = 0x37f;
    constexpr std::uint32_t kMxcsr = 0x1f80;
    std::memset(state.xsave, 0, 1024);
    std::memset(operand, 0, sizeof operand);
    std::memcpy(state.xsave, &kControlWord, sizeof kControlWord);
    std::memcpy(state.xsave + kMxcsrOffset, &kMxcsr, sizeof kMxcsr);
    std::memset(state.gpr, 0, sizeof state.gpr);
    sigjmp_buf back;
    bool ran = false;
    const std::uint32_t mxcsr = _mm_getcsr();  // a guest's may be in force, and the operands are no guest's
    if (sigsetjmp(back, 1) == 0) {
        trial = &back;
        code(&state, operand);
        ran = true;
    } else {
        asm volatile("fninit");
    }
    trial = nullptr;
    _mm_setcsr(mxcsr);
    return ran;
}

}  // namespace

TemplateCache::TemplateCache() {
    void* p = mmap(nullptr, kCapacity, PROT_READ | PROT_WRITE | PROT_EXEC,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p != MAP_FAILED) memory_ = static_cast<std::uint8_t*>(p);
}

TemplateCache::~TemplateCache() {
    if (memory_) munmap(memory_, kCapacity);
}

TemplateCache::Found TemplateCache::find(const Instruction& instruction) {
    const Instruction normal = template_key(instruction);
    Key key;
    std::memcpy(key.data(), &normal, sizeof normal);
    const std::lock_guard guard(mutex_);
    if (const auto known = all_.find(key); known != all_.end()) return {known->second};
    if (used_ + Assembler::kCapacity > kCapacity - kScratch || all_.size() >= kMostTemplates)
        return {nullptr, true};
    Assembler assembler;
    compile(normal, assembler);
    std::uint8_t* const at = memory_ + used_;
    std::memcpy(at, assembler.data(), assembler.size());
    TemplateCode code = nullptr;
    std::memcpy(&code, &at, sizeof code);
    if (runs(code)) used_ += (assembler.size() + 15) & ~std::size_t{15};
    else code = nullptr;
    all_.emplace(key, code);
    return {code};
}

TemplateCode TemplateCache::make_uncached(const Instruction& instruction) {
    Assembler assembler;
    compile(template_key(instruction), assembler);
    std::uint8_t* const at = memory_ + (kCapacity - kScratch);
    std::memcpy(at, assembler.data(), assembler.size());
    TemplateCode code = nullptr;
    std::memcpy(&code, &at, sizeof code);
    return runs(code) ? code : nullptr;
}

SseOutcome run_raising(TemplateCode code, X86State& state, void* memory, std::uint32_t mxcsr) {
    handle_floating();
    const std::uint32_t host = _mm_getcsr();
    sigjmp_buf back;
    SseOutcome outcome;
    if (sigsetjmp(back, 0) == 0) {
        raising = &back;
        _mm_setcsr(mxcsr);
        code(&state, memory);
        outcome = {_mm_getcsr(), false};
    } else {
        outcome = {left, true};
    }
    raising = nullptr;
    _mm_setcsr(host);
    return outcome;
}

}  // namespace backplane::x86
