// The register table: a device's registers as constant data that drives read, write, reset, state and dump.
//
//   class Rtc final : public DeviceBase, public RegisterDevice<Rtc> {
//     public:
//       static const Register<Rtc> kRegisters[2];   // defined below the class, which must be complete there
//       …
//   };
//   constexpr Register<Rtc> Rtc::kRegisters[2] = {
//       {.name = "TIME_LOW", .offset = 0x00, .access = RegisterAccess::ReadOnly, .read = &Rtc::read_time_low},
//       {.name = "IRQ_ENABLED", .offset = 0x10, .storage = &Rtc::irq_enabled_, .write_mask = 1,
//        .written = &Rtc::update_irq},
//   };
//
// Reading an offset that no register covers gives 0 and is logged once (where set_register_log() was called), as is
// writing a read-only one. A stored register is at most 32 bits wide; a wider one has `read` and `write`.
#pragma once

#include <backplane/log.h>
#include <backplane/memory.h>
#include <backplane/state.h>
#include <backplane/text.h>

#include <string>

namespace backplane {

/// Default: all known; it does not cross.
enum class RegisterAccess : std::uint8_t {
    ReadWrite,
    ReadOnly,
    WriteOnly,      ///< reads as 0
    WriteOneClear,  ///< bits written as 1 become 0
    WriteOneSet,
    ReadClear,  ///< reading returns the value and clears it (a debugger's read does not)
};

/// A named field of a register, for dumps and documentation. Reserved and unmodelled bits are declared too. Local.
struct RegisterField {
    const char* name = nullptr;
    unsigned low_bit = 0;
    unsigned width = 1;
    bool modelled = true;  ///< false: writing it non-zero is logged once
};

/// Local.
template <class Owner>
struct Register {
    const char* name = nullptr;  ///< as the datasheet spells it
    std::uint64_t offset = 0;    ///< bytes from the region's start
    unsigned size = 4;           ///< bytes
    RegisterAccess access = RegisterAccess::ReadWrite;
    /// Where the value is kept (null: `read` and `write` do it all).
    std::uint32_t Owner::*storage = nullptr;
    std::uint64_t reset_value = 0;
    std::uint64_t write_mask = ~std::uint64_t{0};  ///< bits that a write changes
    bool keep_on_reset = false;
    /// Gives the value instead of the storage. `access.debug()` asks for no side effect.
    std::uint64_t (Owner::*read)(Access& access) = nullptr;
    /// Takes the value (already masked) instead of storing it.
    void (Owner::*write)(std::uint64_t value) = nullptr;
    /// In place of `write` where it matters who asks, or the access may fail.
    void (Owner::*write_as)(std::uint64_t value, Access& access) = nullptr;
    /// Runs after the storage changed or was read-cleared.
    void (Owner::*written)() = nullptr;
    Slice<const RegisterField> fields{};
};

/// Serves an I/O region from Owner::kRegisters. An access is served from the register that its first byte lies in:
/// narrower ones get the bytes they cover, wider ones do not reach the next register. The IoTraits of the region say
/// what the bus lets through.
template <class Owner>
class RegisterDevice : public IoHandler {
  public:
    std::uint64_t read(Offset offset, unsigned size, Access& access) final {
        const Register<Owner>* reg = find(offset.value);
        if (!reg) {
            complain("read of no register at offset ", offset.value);
            return 0;
        }
        const std::uint64_t value = read_register(*reg, access);
        return value >> (8 * (offset.value - reg->offset)) & mask(size);
    }

    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) final {
        const Register<Owner>* reg = find(offset.value);
        if (!reg) {
            complain("write to no register at offset ", offset.value);
            return;
        }
        const unsigned shift = unsigned(8 * (offset.value - reg->offset));
        const std::uint64_t lanes = (mask(size) << shift) & mask(reg->size);
        write_register(*reg, value << shift & lanes, lanes, access);
    }

    /// Describes all storage of the table: call it in the constructor.
    void describe_registers(StateTable& table) {
        for (const Register<Owner>& reg : Owner::kRegisters)
            if (reg.storage)
                describe(table, reg.name, owner().*reg.storage, reg.reset_value, !reg.keep_on_reset);
    }

    /// Writes "NAME value (FIELD=v …)" lines for the monitor.
    void dump_registers(TextSink& out) {
        Access access;
        access.intent = Intent::Debug;
        for (const Register<Owner>& reg : Owner::kRegisters) {
            if (reg.access == RegisterAccess::WriteOnly) continue;
            const std::uint64_t value = read_register(reg, access);
            std::string line(reg.name);
            line += " = 0x" + hex(value);
            for (const RegisterField& field : reg.fields)
                line += std::string(" ") + field.name + "=" + hex(value >> field.low_bit & bits(field.width));
            out.append(line + "\n");
        }
    }

  protected:
    ~RegisterDevice() = default;
    /// Where misuse by the guest is logged; set in the constructor.
    void set_register_log(Log& log) { log_ = &log; }

  private:
    Owner& owner() { return static_cast<Owner&>(*this); }
    static constexpr std::uint64_t bits(unsigned width) {
        return width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
    }
    static constexpr std::uint64_t mask(unsigned bytes) { return bits(8 * bytes); }
    static const Register<Owner>* find(std::uint64_t offset) {
        for (const Register<Owner>& reg : Owner::kRegisters)
            if (offset - reg.offset < reg.size) return &reg;
        return nullptr;
    }

    std::uint64_t read_register(const Register<Owner>& reg, Access& access) {
        if (reg.access == RegisterAccess::WriteOnly) return 0;
        if (reg.read) return (owner().*reg.read)(access);
        if (!reg.storage) return reg.reset_value;
        const std::uint64_t value = owner().*reg.storage;
        if (reg.access == RegisterAccess::ReadClear && !access.debug()) {
            owner().*reg.storage = 0;
            if (reg.written) (owner().*reg.written)();
        }
        return value;
    }

    void write_register(const Register<Owner>& reg, std::uint64_t value, std::uint64_t lanes,
                        Access& access) {
        if (access.debug()) return;
        if (reg.access == RegisterAccess::ReadOnly || reg.access == RegisterAccess::ReadClear) {
            complain("write to a read-only register at offset ", reg.offset);
            return;
        }
        for (const RegisterField& field : reg.fields)
            if (!field.modelled && (value & bits(field.width) << field.low_bit) && heard())
                complain(
                    (std::string("field ") + field.name + " is not modelled; register at offset ").c_str(),
                    reg.offset);
        lanes &= reg.write_mask;
        value &= lanes;
        if (reg.write) return (owner().*reg.write)(value);
        if (reg.write_as) return (owner().*reg.write_as)(value, access);
        if (!reg.storage) return;
        std::uint32_t& stored = owner().*reg.storage;
        switch (reg.access) {
        case RegisterAccess::WriteOneClear: stored &= ~std::uint32_t(value); break;
        case RegisterAccess::WriteOneSet: stored |= std::uint32_t(value); break;
        default: stored = std::uint32_t((stored & ~lanes) | value); break;
        }
        if (reg.written) (owner().*reg.written)();
    }

    bool heard() const { return log_ && log_->enabled("guest_errors"); }
    void complain(const char* what, std::uint64_t offset) {
        if (!heard()) return;
        const std::string text = std::string(what) + "0x" + hex(offset);
        log_->guest_error(text, text);
    }

    Log* log_ = nullptr;
};

}  // namespace backplane
