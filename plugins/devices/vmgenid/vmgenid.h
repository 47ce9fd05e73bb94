// The device that tells a guest which of its generations it is.
#pragma once

#include <backplane/acpi.h>
#include <backplane/device.h>
#include <backplane/fw_cfg.h>
#include <backplane/management.h>

#include <lib/uuid.h>

#include <string>
#include <string_view>

namespace backplane::vmgenid {

inline constexpr const char* kAutomatic = "auto";

/// What the commands find the device by.
class Generation {
  public:
    static constexpr const char* kId = "backplane.vmgenid.generation/1";
    virtual bool there() const = 0;
    virtual const Uuid& number() const = 0;

  protected:
    ~Generation() = default;
};

class Device final : public DeviceBase, public AcpiTables, public Generation, FwCfgObserver {
  public:
    explicit Device(Object& object);

    bool realize(Errors& errors) override;
    void unrealize() override;
    void reset(ResetPhase phase) override;
    void resume() override;
    void add_acpi_tables(AcpiTableWriter& writer) override;
    bool there() const override { return there_; }
    const Uuid& number() const override { return number_; }

    bool check_number(std::string_view text, Errors& errors) const;
    std::string text_ = kAutomatic;

  private:
    void choose_number();
    bool put_files(Errors& errors);
    void fw_cfg_selected(Str) override {}
    void fw_cfg_written(Str file, std::uint64_t offset, std::uint64_t size) override;

    DeviceContext& context_;
    FwCfg* files_ = nullptr;
    AcpiEvents* events_ = nullptr;
    Uuid number_{};
    bool there_ = false;
    std::uint64_t address_ = 0;  ///< of the number in the guest's memory; 0: firmware has not told it
};

}  // namespace backplane::vmgenid
