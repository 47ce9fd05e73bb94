// -smbios: what users want the machine's tables to say.
#pragma once

#include "fields.h"
#include "structures.h"

#include <backplane/backend.h>

#include <optional>
#include <utility>

namespace backplane::smbios {

class SmbiosTables;

class SmbiosOption final : public Completable {
  public:
    explicit SmbiosOption(Object& object) : object_(object) {}
    bool complete(Errors& errors) override;
    void shut_down() override {}

    bool set_type(std::uint64_t type, Errors& errors);
    bool set_field(const FieldRow& row, Str text, Errors& errors);
    std::string file_;

  private:
    bool add_file(SmbiosTables& tables, Errors& errors);
    bool add_fields(SmbiosTables& tables, Errors& errors);
    bool find_device(Fields& fields, const std::string& id, Errors& errors);

    Object& object_;
    std::optional<unsigned> type_;
    std::vector<std::pair<const FieldRow*, std::string>> given_;
};

}  // namespace backplane::smbios
