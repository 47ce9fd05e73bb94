// A whole board without running CPUs: built as the launcher builds it, looked at through its memory map.
#pragma once

#include "kernel/machine/log_hub.h"
#include "kernel/machine/machine.h"
#include "kernel/module/catalog.h"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace backplane::testing {

/// A backend to make before the board.
struct BoardBackend {
    std::string type;
    std::string id;
    kernel::PropertyList properties;
    std::string container;
};

/// A backend in a drive of the board's.
struct BoardMedium {
    std::string interface;
    unsigned index;
    std::string backend;
};

struct BoardOptions {
    std::string machine;              ///< the type's name
    std::string cpu;                  ///< the CPU's type name
    std::string accelerator = "tcg";  ///< never started
    kernel::PropertyList accelerator_properties{};
    std::uint64_t ram_size = 128 << 20;
    Topology topology{};
    kernel::PropertyList properties{};  ///< of the machine
    std::vector<std::string> firmware_path{"/usr/share/qemu"};
    std::vector<std::pair<std::string, kernel::PropertyList>> devices{};  ///< to plug in: type, properties
    std::vector<BoardBackend> backends{};
    std::vector<BoardMedium> drives{};
    std::vector<std::string> serials{};  ///< ids of backends, for the board's serial ports
    std::vector<kernel::PropertyDefault> globals{};
};

class BoardBench {
  public:
    explicit BoardBench(const BoardOptions& options) : machine_(catalog_, log_) {
        ErrorText errors;
        const auto check = [&errors](bool ok) {
            if (!ok) throw std::runtime_error(errors.text());
        };
        for (const kernel::PropertyDefault& global : options.globals) machine_.objects().add_global(global);
        for (const BoardBackend& backend : options.backends)
            check(machine_.create_backend(backend.type, backend.id, backend.properties, backend.container,
                                          errors) != nullptr);
        std::vector<kernel::Instance*> serials;
        for (const std::string& id : options.serials) serials.push_back(machine_.objects().find_id(id));
        machine_.set_serials(std::move(serials));
        check(machine_.set_type(options.machine, errors));
        for (const auto& [name, value] : options.properties)
            check(machine_.machine_object().set_property(name, value, errors));
        machine_.set_topology(options.topology);
        machine_.set_ram_size(options.ram_size);
        machine_.set_cpu(options.cpu, {});
        machine_.set_firmware_path(options.firmware_path);
        for (const BoardMedium& drive : options.drives)
            machine_.add_drive(drive.interface, drive.index,
                               {machine_.objects().find_id(drive.backend), false});
        check(machine_.open_accelerator({{options.accelerator, options.accelerator_properties}}, errors));
        check(machine_.build(errors));
        for (const auto& [type, properties] : options.devices)
            check(machine_.add_device(type, "", "", properties, errors) != nullptr);
        check(machine_.finish(errors));
    }

    std::uint64_t load(std::uint64_t address, unsigned size) {
        Access access;
        const std::uint64_t value = machine_.system_memory().load(GuestAddress(address), size, access);
        failed_ = access.failed;
        return value;
    }
    void store(std::uint64_t address, std::uint64_t value, unsigned size) {
        Access access;
        machine_.system_memory().store(GuestAddress(address), value, size, access);
        failed_ = access.failed;
    }
    std::vector<std::uint8_t> bytes(std::uint64_t address, std::size_t size) {
        std::vector<std::uint8_t> all(size);
        Access access;
        machine_.system_memory().read(GuestAddress(address), all, access);
        failed_ = access.failed;
        return all;
    }
    /// Was the last access a bus error?
    bool failed() const { return failed_; }
    kernel::Machine& machine() { return machine_; }

  private:
    kernel::Catalog catalog_;
    kernel::LogHub log_;
    kernel::Machine machine_;
    bool failed_ = false;
};

/// Why a board with these options is refused; empty when it is not.
inline std::string refusal(const BoardOptions& options) {
    try {
        BoardBench bench(options);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return {};
}

}  // namespace backplane::testing
