// The firmware configuration device, as boards and devices fill it: items by number, and files by name.
//
// Follows QEMU's public interface description, docs/specs/fw_cfg.rst. Thread: main, or holding the machine lock.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// The numbers of items that are not files. Default: an item like any other.
enum class FwCfgKey : std::uint16_t {
    Signature = 0x0000,  ///< "QEMU"; the device's own
    Id = 0x0001,         ///< the device's own
    Uuid = 0x0002,
    RamSize = 0x0003,
    NoGraphic = 0x0004,
    CpuCount = 0x0005,
    MachineId = 0x0006,
    KernelAddress = 0x0007,
    KernelSize = 0x0008,
    KernelCommandLine = 0x0009,
    InitrdAddress = 0x000a,
    InitrdSize = 0x000b,
    BootDevice = 0x000c,
    Numa = 0x000d,
    BootMenu = 0x000e,
    MaximumCpus = 0x000f,
    KernelEntry = 0x0010,
    KernelData = 0x0011,
    InitrdData = 0x0012,
    CommandLineAddress = 0x0013,
    CommandLineSize = 0x0014,
    CommandLineData = 0x0015,
    SetupAddress = 0x0016,
    SetupSize = 0x0017,
    SetupData = 0x0018,
    FileDirectory = 0x0019,  ///< the device's own
    FileFirst = 0x0020,
    ArchitectureLocal = 0x8000,
};

/// Who makes or takes a file's contents. Must outlive the device, or take itself away with set_observer(…, null).
class FwCfgObserver {
  public:
    /// The guest selected the file and is about to read it from its start: time for set_file().
    virtual void fw_cfg_selected(Str file) = 0;
    /// The guest wrote to a writable file.
    virtual void fw_cfg_written(Str file, std::uint64_t offset, std::uint64_t size) = 0;

  protected:
    ~FwCfgObserver() = default;
};

/// Offered by the device. Contents are copied.
class FwCfg {
  public:
    static constexpr const char* kId = "backplane.fw-cfg/1";
    /// Sets an item, or replaces it. Refuses a key of a file, and the device's own.
    virtual bool set_item(std::uint16_t key, Bytes contents, Errors& errors) = 0;
    /// Adds a file, or replaces its contents. A name has at most 55 bytes. Refuses a file that is too many.
    /// Files are found by name; their keys follow the order of their names, and stay once the guest runs.
    virtual bool set_file(Str name, Bytes contents, Errors& errors) = 0;
    /// Lets the guest write to a file (through DMA), within its size.
    virtual void set_writable(Str name, bool writable) = 0;
    virtual void set_observer(Str name, FwCfgObserver* observer) = 0;
    /// The contents now; empty when there is no such file. Valid until the file changes.
    virtual Bytes file(Str name) const = 0;
    virtual Bytes item(std::uint16_t key) const = 0;
    virtual bool has_file(Str name) const = 0;

  protected:
    ~FwCfg() = default;
};

/// An item that is a little-endian number.
template <class T>
bool set_fw_cfg_number(FwCfg& fw_cfg, FwCfgKey key, T value, Errors& errors) {
    std::uint8_t bytes[sizeof value];
    for (std::size_t i = 0; i < sizeof value; ++i) bytes[i] = std::uint8_t(std::uint64_t(value) >> 8 * i);
    return fw_cfg.set_item(std::uint16_t(key), Bytes(bytes, sizeof bytes), errors);
}

}  // namespace backplane
