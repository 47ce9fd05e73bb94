#include "mmu.h"

#include "executor/breakpoints.h"
#include "executor/executor.h"
#include "executor/xsave.h"

#include <algorithm>

namespace backplane::x86 {

namespace {

constexpr std::uint64_t kPresent = 1, kWritable = 2, kUserPage = 4, kAccessed = 0x20, kDirty = 0x40,
                        kLarge = 0x80, kGlobal = 0x100, kNoExecute = std::uint64_t{1} << 63;
constexpr std::uint64_t kFrame = 0x000ffffffffff000;  ///< bits 51:12
constexpr std::uint64_t kErrorPresent = 1, kErrorWrite = 2, kErrorUser = 4, kErrorReserved = 8,
                        kErrorFetch = 16, kErrorKey = 32;

enum class Step : std::uint8_t { Done, Fault, Again };

class Walk {
  public:
    Walk(X86State& state, tcg::Vcpu& vcpu, const tcg::FillRequest& request, tcg::FillAnswer& answer)
        : s_(state),
          vcpu_(vcpu),
          answer_(answer),
          address_(request.address),
          write_(request.kind == tcg::AccessKind::Store),
          fetch_(request.kind == tcg::AccessKind::Fetch),
          mode_(request.mode) {}

    Step run() {
        if (s_.efer & efer::kLma) return long_mode();
        address_ = std::uint32_t(address_);
        return s_.cr4 & cr4::kPae ? pae() : narrow();
    }
    std::uint64_t fault(bool present, bool reserved = false) const {
        const bool no_execute = (s_.efer & efer::kNxe) && (s_.cr4 & cr4::kPae);
        return (present ? kErrorPresent : 0) | (write_ ? kErrorWrite : 0) |
               (mode_ == kUser ? kErrorUser : 0) | (reserved ? kErrorReserved : 0) |
               (fetch_ && (no_execute || (s_.cr4 & cr4::kSmep)) ? kErrorFetch : 0) |
               (!fetch_ && !(write_ ? key_writes_ : key_reads_) ? kErrorKey : 0);
    }

  private:
    struct Entry {
        std::uint64_t place = 0, value = 0;
    };

    Step refuse(bool present, bool reserved = false) {
        answer_.fault = fault(present, reserved);
        return Step::Fault;
    }
    bool read(std::uint64_t place, unsigned size, Entry& entry) {
        bool failed = false;
        entry = {place, vcpu_.load_physical(place, size, failed)};
        return !failed && (entry.value & kPresent);
    }
    /// An entry on the way: its rights, and its accessed bit.
    Step pass(const Entry& entry, unsigned size) {
        rights_ &= entry.value | ~(kWritable | kUserPage);
        if (entry.value & kNoExecute) no_execute_ = size == 8;
        return set_bits(entry, kAccessed, size);
    }
    Step set_bits(const Entry& entry, std::uint64_t bits, unsigned size) {
        if ((entry.value & bits) == bits) return Step::Done;
        bool failed = false;
        if (vcpu_.update_physical(entry.place, entry.value, entry.value | bits, size, failed))
            return Step::Done;
        return failed ? Step::Done : Step::Again;  // tables in ROM are as they are
    }

    Step long_mode() {
        const bool five = s_.cr4 & cr4::kLa57;
        const unsigned unused = five ? 7 : 16;
        if (std::uint64_t(std::int64_t(address_ << unused) >> unused) != address_) {
            answer_.fault = kNotCanonical;
            return Step::Fault;
        }
        return wide(s_.cr3, five ? 48 : 39, 30);
    }
    Step pae() {
        const std::uint64_t pointer = s_.pdptrs[address_ >> 30];
        if (!(pointer & kPresent)) return refuse(false);
        return wide(pointer, 21, 21);
    }
    /// Tables of 512 entries from the one that covers `shift` + 9 bits down.
    Step wide(std::uint64_t table, unsigned shift, unsigned largest) {
        for (;; shift -= 9) {
            Entry entry;
            if (!read((table & kFrame) + (address_ >> shift & 0x1ff) * 8, 8, entry)) return refuse(false);
            if ((entry.value & kNoExecute) && !(s_.efer & efer::kNxe)) return refuse(true, true);
            if (entry.value & per_cpu(s_).beyond_memory) return refuse(true, true);
            const bool large = shift != 12 && (entry.value & kLarge);
            if (large && shift > largest) return refuse(true, true);
            if (shift == 12 || large) {
                const std::uint64_t inside = (std::uint64_t{1} << shift) - 1;
                if (large && (entry.value & inside & kFrame & ~std::uint64_t{0x1000}))
                    return refuse(true, true);
                return leaf(entry, 8, (entry.value & kFrame & ~inside) | (address_ & inside), shift);
            }
            if (const Step step = pass(entry, 8); step != Step::Done) return step;
            table = entry.value;
        }
    }
    /// 32-bit paging, with the upper bits of 4 MiB pages (SDM 3A, table 4-4).
    Step narrow() {
        Entry entry;
        if (!read((s_.cr3 & 0xfffff000) + (address_ >> 22) * 4, 4, entry)) return refuse(false);
        if ((s_.cr4 & cr4::kPse) && (entry.value & kLarge)) {
            constexpr std::uint64_t kReserved = 1u << 21;
            const std::uint64_t physical =
                (entry.value >> 13 & 0xff) << 32 | (entry.value & 0xffc00000) | (address_ & 0x3fffff);
            if ((entry.value & kReserved) || (physical & per_cpu(s_).beyond_memory))
                return refuse(true, true);
            return leaf(entry, 4, physical, 22);
        }
        if (const Step step = pass(entry, 4); step != Step::Done) return step;
        if (!read((entry.value & 0xfffff000) + (address_ >> 12 & 0x3ff) * 4, 4, entry)) return refuse(false);
        return leaf(entry, 4, (entry.value & 0xfffff000) | (address_ & 0xfff), 12);
    }

    /// SDM 3A 4.6.2: what PKRU, or PKRS, says of the page's key.
    void look_at_key(const Entry& entry, std::uint32_t rights) {
        const auto bits = rights >> (2 * (entry.value >> 59 & 15)) & 3;
        key_reads_ = !(bits & 1);
        key_writes_ = key_reads_ && !((bits & 2) && (mode_ == kUser || (s_.cr0 & cr0::kWp)));
    }
    /// SDM 3A 4.6.1.
    Step leaf(const Entry& entry, unsigned size, std::uint64_t physical, unsigned shift) {
        rights_ &= entry.value | ~(kWritable | kUserPage);
        if (size == 8 && (entry.value & kNoExecute)) no_execute_ = true;
        const bool user_page = rights_ & kUserPage, user = mode_ == kUser;
        if ((s_.cr4 & (user_page ? cr4::kPke : kPksEnable)) && long_)
            look_at_key(entry, user_page ? pkru_of(s_) : std::uint32_t(s_.msrs.pkrs));
        const bool data = key_reads_ && (user ? user_page : !(user_page && mode_ == kSupervisorSmap));
        const bool writes = key_writes_ && data && ((rights_ & kWritable) || (!user && !(s_.cr0 & cr0::kWp)));
        const bool executes = !no_execute_ && (user ? user_page : !(user_page && (s_.cr4 & cr4::kSmep)));
        if (fetch_ ? !executes : write_ ? !writes : !data) return refuse(true);
        if (const Step step = set_bits(entry, kAccessed | (write_ ? kDirty : 0), size); step != Step::Done)
            return step;
        answer_.physical = physical;
        answer_.readable = data;
        answer_.writable = writes && (write_ || (entry.value & kDirty));
        answer_.executable = executes;
        answer_.global = (entry.value & kGlobal) && (s_.cr4 & cr4::kPge);
        answer_.page_bits = std::uint8_t(shift);
        return Step::Done;
    }

    X86State& s_;
    tcg::Vcpu& vcpu_;
    tcg::FillAnswer& answer_;
    std::uint64_t address_;
    const bool write_, fetch_;
    const bool long_ = s_.efer & efer::kLma;
    const std::uint8_t mode_;
    std::uint64_t rights_ = ~std::uint64_t{0};
    bool no_execute_ = false;
    bool key_reads_ = true, key_writes_ = true;
};

/// Every access to a page with a data breakpoint is asked for, and meets it here.
void watch(const X86State& state, const tcg::FillRequest& request, tcg::FillAnswer& answer) {
    const std::uint64_t address = state.efer & efer::kLma ? request.address : std::uint32_t(request.address);
    const std::uint64_t last = address + std::max<unsigned>(request.size, 1) - 1;
    const auto look_at = [&](Break type, bool meets) {
        for_each_breakpoint(state, type, [&](unsigned number, std::uint64_t first, unsigned size) {
            if ((first ^ address) >> 12 == 0) answer.whole_page = false;
            if (meets && first <= last && address < first + size)
                per_cpu(state).traps |= std::uint16_t(1u << number);
        });
    };
    look_at(Break::Write, request.kind == tcg::AccessKind::Store);
    look_at(Break::Access, request.kind != tcg::AccessKind::Fetch);
}

}  // namespace

bool walk(X86State& state, tcg::Vcpu& vcpu, const tcg::FillRequest& request, tcg::FillAnswer& answer) {
    constexpr std::uint64_t kA20 = 1u << 20;
    PerCpu& cpu = per_cpu(state);
    if (!(state.cr0 & cr0::kPg)) {
        answer.physical = std::uint32_t(request.address);
        answer.readable = answer.writable = answer.executable = true;
    } else {
        // Another processor changes a table in between now and then, hardly ever for long.
        Step step = Step::Again;
        while (step == Step::Again) step = Walk(state, vcpu, request, answer).run();
        if (step == Step::Fault) return false;
    }
    if (!cpu.a20) {
        answer.physical &= ~kA20;
        answer.page_bits = 12;
    }
    if (breakpoints_enabled(state)) watch(state, request, answer);
    // What is written there may let an interrupt through that it held back.
    if (request.kind == tcg::AccessKind::Store && answer.physical >> 12 == kMessageBase >> 12) {
        cpu.apic_touched = true;
        answer.whole_page = false;
        state.run.exit_request.store(1, std::memory_order_relaxed);
    }
    return true;
}

}  // namespace backplane::x86
