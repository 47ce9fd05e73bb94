// The chip that is none: a board makes one, tells it what the machine is, and firmware finds the tables in the
// configuration device, as "etc/smbios/smbios-tables" and "etc/smbios/smbios-anchor" (docs/specs/fw_cfg.rst).
#pragma once

#include "structures.h"

#include <backplane/device.h>
#include <backplane/fw_cfg.h>
#include <backplane/x86_identity.h>

namespace backplane::smbios {

class SmbiosTables final : public DeviceBase, public FwCfgObserver {
  public:
    explicit SmbiosTables(Object&) {}

    bool realize(Errors& errors) override;
    void unrealize() override;
    void fw_cfg_selected(Str file) override;
    void fw_cfg_written(Str, std::uint64_t, std::uint64_t) override {}

    /// What users wish; to be published.
    Wishes& wishes() { return wishes_; }
    bool publish(Errors& errors);

    Facts facts_;
    EntryPoint entry_point_ = EntryPoint::Wide;
    FwCfg* fw_cfg_ = nullptr;
    x86::ProcessorIdentity* processor_ = nullptr;

  private:
    Wishes wishes_;
};

}  // namespace backplane::smbios
