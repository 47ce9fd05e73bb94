// What the monitor shows of PCI: "query-pci" and "info pci".
#pragma once

#include <backplane/backend.h>
#include <backplane/management.h>
#include <backplane/type.h>

#include <string_view>

namespace backplane::pci {

/// What users know functions of a class (base << 8 | sub-class) as; empty: there is no name.
std::string_view class_name(unsigned code);

/// Thread: as CommandHandler.
class PciListing final : public Completable, public CommandHandler {
  public:
    explicit PciListing(Object& object) : object_(object) {}
    bool complete(Errors&) override { return true; }
    void shut_down() override {}
    void execute(Str command, Str arguments, CommandReply& reply) override;

  private:
    Object& object_;
};

inline constexpr ArgumentInfo kPciInfo[] = {{.name = "bus", .kind = ArgumentKind::Integer},
                                            {.name = "devices", .kind = ArgumentKind::Array}};
inline constexpr CommandInfo kListingCommands[] = {
    {.name = "query-pci",
     .summary = "PCI buses and what is on them",
     .returns = "[PciInfo]",
     .when = command_when::kBuilt | command_when::kIncoming,
     .results = kPciInfo},
    {.human = "info pci",
     .summary = "PCI buses and what is on them",
     .when = command_when::kBuilt | command_when::kIncoming},
};

}  // namespace backplane::pci
