#include "tables.h"

#include <backplane/text.h>

#include <algorithm>

namespace backplane::smbios {
namespace {

constexpr const char* kStructures = "etc/smbios/smbios-tables";
constexpr const char* kEntryPoint = "etc/smbios/smbios-anchor";

Bytes bytes_of(const Buffer& buffer) { return {buffer.data(), buffer.size()}; }

}  // namespace

bool SmbiosTables::realize(Errors& errors) {
    if (!fw_cfg_) {
        errors.fail("property 'fw_cfg' is missing: the device through which firmware finds the tables");
        return false;
    }
    if (!publish(errors)) return false;
    fw_cfg_->set_observer(kStructures, this);
    return true;
}

void SmbiosTables::unrealize() { fw_cfg_->set_observer(kStructures, nullptr); }

/// The machine's UUID is another option's, which may come later, and what a processor is its accelerator says; the table's
/// length does not hang on them.
void SmbiosTables::fw_cfg_selected(Str) {
    const Bytes given = fw_cfg_->item(std::uint16_t(FwCfgKey::Uuid));
    if (given.size == wishes_.uuid.size()) std::ranges::copy(given, wishes_.uuid.begin());
    if (processor_)
        facts_.processor_id = std::uint64_t{processor_->leaf1_edx()} << 32 | processor_->leaf1_eax();
    IgnoredErrors none;
    publish(none);
}

bool SmbiosTables::publish(Errors& errors) {
    Tables tables;
    return make_tables(facts_, wishes_, entry_point_, tables, errors) &&
           fw_cfg_->set_file(kStructures, bytes_of(tables.structures), errors) &&
           fw_cfg_->set_file(kEntryPoint, bytes_of(tables.entry_point), errors);
}

}  // namespace backplane::smbios
