#include "host.h"

#include <csetjmp>
#include <csignal>

#include <sys/mman.h>

namespace backplane::x86::testing {

extern "C" {
HostState backplane_oracle_state;
void backplane_oracle_enter();
void backplane_oracle_back();
}

static_assert(offsetof(HostState, flags) == 128 && offsetof(HostState, target) == 136 &&
              offsetof(HostState, back) == 144 && offsetof(HostState, host_stack) == 152 &&
              offsetof(HostState, area) == 192 && offsetof(HostState, vectors) == 704);

// The assembler's macros repeat for each register.
asm(R"(
    .text
    .globl backplane_oracle_enter, backplane_oracle_back
    .macro each_gpr operation
        \operation rax, 0
        \operation rcx, 8
        \operation rdx, 16
        \operation rbx, 24
        \operation rsp, 32
        \operation rbp, 40
        \operation rsi, 48
        \operation rdi, 56
        \operation r8, 64
        \operation r9, 72
        \operation r10, 80
        \operation r11, 88
        \operation r12, 96
        \operation r13, 104
        \operation r14, 112
        \operation r15, 120
    .endm
    .macro load_gpr reg, at
        movq backplane_oracle_state+\at(%rip), %\reg
    .endm
    .macro store_gpr reg, at
        movq %\reg, backplane_oracle_state+\at(%rip)
    .endm
backplane_oracle_enter:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $8, %rsp
    stmxcsr (%rsp)
    movq %rsp, backplane_oracle_state+152(%rip)
    fxrstor64 backplane_oracle_state+192(%rip)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    vmovdqu backplane_oracle_state+704+32*\n(%rip), %ymm\n
    .endr
    pushq backplane_oracle_state+128(%rip)
    popfq
    each_gpr load_gpr
    jmp *backplane_oracle_state+136(%rip)
backplane_oracle_back:
    each_gpr store_gpr
    movq backplane_oracle_state+152(%rip), %rsp
    pushfq
    popq backplane_oracle_state+128(%rip)
    cld
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    vmovdqu %ymm\n, backplane_oracle_state+704+32*\n(%rip)
    .endr
    fxsave64 backplane_oracle_state+192(%rip)
    vzeroupper
    fninit
    ldmxcsr (%rsp)
    addq $8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret
)");

namespace {

sigjmp_buf resume;

void take(int signal) { siglongjmp(resume, signal); }

}  // namespace

Host::Host() {
    code_ = static_cast<std::uint8_t*>(
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mmap(memory(), kMemorySize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
         0);
    static std::uint8_t stack[1 << 16];
    stack_t alternate{};
    alternate.ss_sp = stack;
    alternate.ss_size = sizeof stack;
    sigaltstack(&alternate, nullptr);
    struct sigaction action {};
    action.sa_handler = take;
    action.sa_flags = SA_ONSTACK | SA_NODEFER;
    for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP}) sigaction(signal, &action, nullptr);
}

HostState& Host::state() { return backplane_oracle_state; }

void Host::protect(std::uint64_t page) {
    if (protected_) mprotect(reinterpret_cast<void*>(protected_), 4096, PROT_READ | PROT_WRITE);
    if (page) mprotect(reinterpret_cast<void*>(page), 4096, PROT_READ);
    protected_ = page;
}

std::optional<int> Host::run(const std::uint8_t* code, unsigned length) {
    std::memcpy(code_, code, length);
    const std::uint8_t jump[] = {0xff, 0x25, 0, 0, 0, 0};
    std::memcpy(code_ + length, jump, sizeof jump);
    const auto back = reinterpret_cast<std::uint64_t>(&backplane_oracle_back);
    std::memcpy(code_ + length + sizeof jump, &back, sizeof back);
    state().target = reinterpret_cast<std::uint64_t>(code_);
    const int signal = sigsetjmp(resume, 1);
    if (signal == 0) {
        backplane_oracle_enter();
        return std::nullopt;
    }
    // The handler's frame was left as it stands: the environment of C++ comes back by hand.
    asm volatile("cld; fninit; vzeroupper");
    const unsigned mxcsr = 0x1f80;
    asm volatile("ldmxcsr %0" : : "m"(mxcsr));
    return signal;
}

}  // namespace backplane::x86::testing
