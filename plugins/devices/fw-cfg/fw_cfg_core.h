// The firmware configuration device without a bus: items, the selector, reading byte by byte and by DMA.
//
// Follows docs/specs/fw_cfg.rst of QEMU 7.2. Not modelled: writing through the data register (obsolete since 2.4).
#pragma once

#include <backplane/device.h>
#include <backplane/fw_cfg.h>

#include <map>
#include <string>
#include <vector>

namespace backplane::fw_cfg {

class FwCfgCore final : public FwCfg {
  public:
    static constexpr std::uint64_t kDmaSignature = 0x51454d5520434647;  ///< "QEMU CFG"

    explicit FwCfgCore(DeviceContext& context);

    // FwCfg
    bool set_item(std::uint16_t key, Bytes contents, Errors& errors) override;
    bool set_file(Str name, Bytes contents, Errors& errors) override;
    void set_writable(Str name, bool writable) override;
    void set_observer(Str name, FwCfgObserver* observer) override;
    bool has_file(Str name) const override { return find_file(name.view()) != nullptr; }
    Bytes file(Str name) const override;
    Bytes item(std::uint16_t key) const override;

    /// Before the guest runs: may it use DMA? The device's id says so.
    void set_dma(bool dma);
    bool has_dma() const { return dma_; }
    void set_slots(std::uint32_t slots) { slots_ = slots; }
    void select(std::uint16_t key);
    /// The next `size` bytes, the first in the most significant place. Behind the end they are 0.
    std::uint64_t read_data(unsigned size, bool debug);
    /// The two halves of the DMA register, as numbers: writing the low one starts.
    void write_dma_high(std::uint32_t value) { dma_address_ = std::uint64_t{value} << 32; }
    void write_dma_low(std::uint32_t value);
    void reset();
    void before_save();
    bool after_load(Errors& errors);

  private:
    struct Entry {
        std::vector<std::uint8_t> contents;
        std::string name;  ///< a file's
        bool writable = false;
        FwCfgObserver* observer = nullptr;
    };

    const Entry* selected() const;
    Entry* selected();
    const Entry* find_file(std::string_view name) const;
    Entry* find_file(std::string_view name);
    void number_files();
    void transfer();
    bool read_block(GuestAddress address, std::uint32_t length);
    bool write_block(GuestAddress address, std::uint32_t length);

    DeviceContext& context_;
    bool dma_ = true;
    std::uint32_t slots_ = 32;
    std::map<std::uint16_t, Entry> items_;
    std::map<std::string, Entry, std::less<>> files_;
    std::vector<std::string> names_;  ///< of the files, by key
    std::uint16_t key_ = 0;
    std::uint32_t position_ = 0;
    std::uint64_t dma_address_ = 0;
    /// Of the files that the guest may write, to be saved: name and contents, each with its length (4 bytes) ahead.
    std::vector<std::uint8_t> written_;
};

}  // namespace backplane::fw_cfg
