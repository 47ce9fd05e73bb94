// A hart's semihosting calls: "RISC-V Semihosting" 1.0. The number is in a0, the parameter in a1, the result comes in a0.
#include "riscv_cpu.h"

#include <backplane/draft/address_space.h>

#include <algorithm>
#include <mutex>

namespace backplane::riscv {

namespace {
constexpr unsigned kA0 = 10, kA1 = 11;
}

Semihosting* RiscvCpu::semihosting() {
    if (semihosting_) return semihosting_;
    const std::lock_guard guard(*host_.lock);
    return semihosting_ = static_cast<Semihosting*>(context_.host_interface(Semihosting::kId));
}

HartServices::Call RiscvCpu::semihosting_call() {
    Semihosting* calls = semihosting();
    if (!calls || !calls->serves(state_.privilege == Privilege::User)) return Call::NotServed;
    call_again_ = false;
    const SemihostingResult result = calls->call(*this, state_.x[kA0], state_.x[kA1]);
    if (!result.done) {
        state_.run.halted.store(1);
        return Call::Wait;
    }
    state_.x[kA0] = result.value;
    return Call::Done;
}

/// With the machine lock held. The service may be gone by now.
void RiscvCpu::forget_calls() {
    if (semihosting_) semihosting_ = static_cast<Semihosting*>(context_.host_interface(Semihosting::kId));
    if (semihosting_) semihosting_->forget(*this);
    call_again_ = false;
}

void RiscvCpu::retry() {
    call_again_ = true;
    if (runner_) runner_->kick();
}

template <class Piece>
bool RiscvCpu::for_each_page(std::uint64_t address, std::uint64_t size, Piece piece) {
    for (std::uint64_t done = 0; done < size;) {
        const std::uint64_t at = address + done;
        const std::uint64_t count = std::min(size - done, kPageSize - (at & (kPageSize - 1)));
        GuestAddress physical;
        if (!translate_debug(at, physical) || !piece(physical, done, count)) return false;
        done += count;
    }
    return true;
}

bool RiscvCpu::read(std::uint64_t address, MutableBytes to) {
    return for_each_page(address, to.size, [&](GuestAddress at, std::uint64_t done, std::uint64_t count) {
        Access access{.cpu = host_.index};
        return address_space(0).read(at, {to.data + done, count}, access);
    });
}

bool RiscvCpu::write(std::uint64_t address, Bytes from) {
    return for_each_page(address, from.size, [&](GuestAddress at, std::uint64_t done, std::uint64_t count) {
        Access access{.cpu = host_.index};
        return address_space(0).write(at, {from.data + done, count}, access);
    });
}

std::int64_t RiscvCpu::wall_seconds() { return std::int64_t(context_.wall_clock().now_ns() / 1'000'000'000); }

void RiscvCpu::exit(int status) {
    if (status == 0) context_.request_shutdown("guest-shutdown");
    else context_.request_failure(status);
}

}  // namespace backplane::riscv
