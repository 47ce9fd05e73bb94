// Message-signalled interrupts: the MSI capability (PCI 3.0, 6.8.1) and MSI-X with its table (6.8.2).
#pragma once

#include "config_space.h"

#include <backplane/device.h>

#include <vector>

namespace backplane::pci {

/// The function that has the capabilities.
class MessageSource {
  public:
    virtual void send_message(std::uint64_t address, std::uint32_t data) = 0;
    /// A message of MSI-X or its mask changed.
    virtual void vectors_changed() = 0;

  protected:
    ~MessageSource() = default;
};

class Msi {
  public:
    explicit Msi(MessageSource& source) : source_(source) {}
    bool add(ConfigSpace& config, unsigned vectors, bool per_vector_mask, Errors& errors);
    unsigned vectors() const { return vectors_; }
    bool enabled() const;
    void notify(unsigned vector);
    /// After the guest wrote these bytes of configuration space.
    void config_written(unsigned offset, unsigned size);
    void reset();

  private:
    unsigned control() const { return offset_ + 2; }
    unsigned mask_offset() const { return offset_ + 16; }
    unsigned pending_offset() const { return offset_ + 20; }
    void send(unsigned vector);

    MessageSource& source_;
    ConfigSpace* config_ = nullptr;
    unsigned offset_ = 0;
    unsigned vectors_ = 0;
    bool masks_ = false;
};

class Msix {
  public:
    static constexpr unsigned kMostVectors = 2048;

    Msix(DeviceContext& context, StateTable& state, MessageSource& source)
        : context_(context), state_(state), source_(source) {}
    /// Places table and pending bits into `container`.
    bool add(ConfigSpace& config, const PciMsixLayout& layout, MemoryRegion& container, Errors& errors);
    unsigned vectors() const { return unsigned(pending_.size()); }
    bool enabled() const;
    PciMessage message(unsigned vector) const;
    void notify(unsigned vector);
    void config_written(unsigned offset, unsigned size);
    void reset();

    static std::uint64_t table_size(unsigned vectors) { return std::uint64_t{vectors} * 16; }
    static std::uint64_t pending_size(unsigned vectors) { return (std::uint64_t{vectors} + 63) / 64 * 8; }

  private:
    /// The table: 16 bytes a vector.
    class Table final : public IoHandler {
      public:
        explicit Table(Msix& owner) : owner_(owner) {}
        std::uint64_t read(Offset offset, unsigned size, Access& access) override;
        void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

      private:
        Msix& owner_;
    };
    /// The pending bits, read-only.
    class Pending final : public IoHandler {
      public:
        explicit Pending(Msix& owner) : owner_(owner) {}
        std::uint64_t read(Offset offset, unsigned size, Access& access) override;
        void write(Offset, std::uint64_t, unsigned, Access&) override {}

      private:
        Msix& owner_;
    };

    bool function_masked() const;
    void deliver_pending();

    DeviceContext& context_;
    StateTable& state_;
    MessageSource& source_;
    ConfigSpace* config_ = nullptr;
    unsigned offset_ = 0;
    Table table_handler_{*this};
    Pending pending_handler_{*this};
    std::vector<std::uint32_t> table_;  ///< four words a vector: address, upper address, data, control
    std::vector<std::uint8_t> pending_;
};

}  // namespace backplane::pci
