// Port 5658h, through which guests of VMware talk to their host: a magic number in EAX, a command in CX; the answer stands in
// registers.
//
// Follows what open-vm-tools' "backdoor_def.h" and Linux's drivers/input/mouse/vmmouse.c publish of it, and what a peer's guest
// sees. Not modelled: all other commands, which are refused, and the high-bandwidth port.
#pragma once

#include <backplane/device.h>
#include <backplane/fw_cfg.h>
#include <backplane/x86_port_registers.h>

#include <cstdint>
#include <optional>

namespace backplane::vmport {

/// Numbers of general registers.
enum Gpr : unsigned { kRax = 0, kRcx = 1, kRdx = 2, kRbx = 3, kRsi = 6, kRdi = 7 };

/// Who answers some of the commands: reads and changes registers other than EAX, and returns what that is to be.
class Commands {
  public:
    virtual std::uint32_t execute(unsigned command, std::uint64_t* registers) = 0;

  protected:
    ~Commands() = default;
};

// The pointer's.
inline constexpr unsigned kPointerData = 39, kPointerStatus = 40, kPointerCommand = 41;

class VmPort final : public DeviceBase, public IoHandler {
  public:
    static constexpr const char* kId = "backplane.vmport/1";

    explicit VmPort(Object& object) : context_(device_context(object)) {}

    bool realize(Errors& errors) override;
    std::uint64_t read(Offset offset, unsigned, Access& access) override;
    void write(Offset offset, std::uint64_t, unsigned, Access& access) override;

    /// Null: nobody does.
    void set_pointer(Commands* pointer) { pointer_ = pointer; }

    bool sets_whole_eax_ = true, signals_unsupported_ = true, reports_type_ = true, knows_more_ = true;
    std::uint32_t version_ = 6;
    std::uint8_t type_ = 2;

  private:
    enum class Way : std::uint8_t { Read, Write };
    std::optional<std::uint32_t> ask(Way way, Access& access);
    /// Nothing: there is no such command.
    std::optional<std::uint32_t> execute(unsigned command, std::uint64_t* registers, std::uint32_t cpu);
    std::uint32_t version(std::uint64_t* registers) const;
    std::uint32_t memory_size(std::uint64_t* registers) const;
    std::uint32_t uuid(std::uint64_t* registers) const;
    std::uint32_t frequency(std::uint64_t* registers, std::uint32_t cpu) const;
    const FwCfg* configuration() const;

    DeviceContext& context_;
    x86::PortRegisters* registers_ = nullptr;
    Commands* pointer_ = nullptr;
};

}  // namespace backplane::vmport
