#include "host.h"

#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

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

/// What stood in the registers goes to the state, as if the instruction had ended.
void take(int signal, siginfo_t*, void* context) {
    static constexpr int kOrder[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                     REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    const mcontext_t& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
    HostState& state = backplane_oracle_state;
    for (unsigned n = 0; n < 16; ++n) state.gpr[n] = std::uint64_t(machine.gregs[kOrder[n]]);
    state.flags = std::uint64_t(machine.gregs[REG_EFL]);
    state.pc = std::uint64_t(machine.gregs[REG_RIP]);
    const auto* const area = reinterpret_cast<const std::uint8_t*>(machine.fpregs);
    std::memcpy(state.area, area, sizeof state.area);
    std::uint64_t components = 0;
    std::memcpy(&components, area + kXsaveHeader, sizeof components);
    for (unsigned n = 0; n < 16; ++n) {
        std::memcpy(state.vectors[n], area + kVectorOffset + 16 * n, 16);
        if (components & 4) std::memcpy(state.vectors[n] + 16, area + kUpperOffset + 16 * n, 16);
        else std::memset(state.vectors[n] + 16, 0, 16);
    }
    siglongjmp(resume, signal);
}

/// The code behind backplane_oracle_enter(), which comes back by a jump. The signal that came, or 0.
int run_here(std::uint8_t* code, unsigned length) {
    const std::uint8_t jump[] = {0xff, 0x25, 0, 0, 0, 0};
    std::memcpy(code + length, jump, sizeof jump);
    const auto back = reinterpret_cast<std::uint64_t>(&backplane_oracle_back);
    std::memcpy(code + length + sizeof jump, &back, sizeof back);
    backplane_oracle_state.target = reinterpret_cast<std::uint64_t>(code);
    backplane_oracle_state.pc = backplane_oracle_state.target + length;
    const int signal = sigsetjmp(resume, 1);
    if (signal == 0) {
        backplane_oracle_enter();
        return 0;
    }
    // The handler's frame was left as it stands: the environment of C++ comes back by hand.
    asm volatile("cld; fninit; vzeroupper");
    const unsigned mxcsr = 0x1f80;
    asm volatile("ldmxcsr %0" : : "m"(mxcsr));
    return signal;
}

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::abort();
}

void* map(void* where, std::size_t size, int flags) {
    void* const p =
        mmap(where, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS | flags, -1, 0);
    if (p == MAP_FAILED) fail("mmap");
    return p;
}

}  // namespace

Host::Host() {
    code_ = static_cast<std::uint8_t*>(map(nullptr, 4096, 0));
    shared_ = static_cast<Shared*>(map(nullptr, sizeof(Shared), 0));
    map(memory(), kMemorySize, MAP_FIXED_NOREPLACE);
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) fail("socketpair");
    child_ = fork();
    if (child_ < 0) fail("fork");
    channel_ = ends[child_ == 0];
    close(ends[child_ != 0]);
    if (child_ == 0) serve();
}

Host::~Host() {
    close(channel_);
    waitpid(child_, nullptr, 0);
    munmap(memory(), kMemorySize);
    munmap(shared_, sizeof(Shared));
    munmap(code_, 4096);
}

void Host::serve() {
    static std::uint8_t stack[1 << 16];
    stack_t alternate{};
    alternate.ss_sp = stack;
    alternate.ss_size = sizeof stack;
    sigaltstack(&alternate, nullptr);
    struct sigaction action {};
    action.sa_sigaction = take;
    action.sa_flags = SA_ONSTACK | SA_NODEFER | SA_SIGINFO;
    for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP}) sigaction(signal, &action, nullptr);
    for (char byte; read(channel_, &byte, 1) == 1;) {
        std::memcpy(&backplane_oracle_state, &shared_->state, sizeof(HostState));
        shared_->signal = run_here(code_, shared_->length);
        std::memcpy(&shared_->state, &backplane_oracle_state, sizeof(HostState));
        if (write(channel_, &byte, 1) != 1) break;
    }
    _exit(0);
}

std::optional<int> Host::run(const std::uint8_t* code, unsigned length) {
    std::memcpy(code_, code, length);
    shared_->length = length;
    char byte = 0;
    if (write(channel_, &byte, 1) != 1 || read(channel_, &byte, 1) != 1)
        fail("the process that ran it is gone");
    return shared_->signal ? std::optional(shared_->signal) : std::nullopt;
}

}  // namespace backplane::x86::testing
