// What a guest's system reports of its slots (ACPI 6.4, 6.3.5, _OST), as monitors show it: "query-acpi-ospm-status".
#pragma once

#include <backplane/management.h>
#include <backplane/object.h>
#include <backplane/type.h>

#include <lib/json.h>

namespace backplane::hotplug {

/// What the command finds chips by.
class SlotReports {
  public:
    static constexpr const char* kId = "backplane.acpi-hotplug.slot-reports/1";
    virtual std::uint32_t count() const = 0;
    /// With the members of QEMU's public QMP reference, "ACPIOSTInfo".
    virtual Json report(std::uint32_t slot) const = 0;

  protected:
    ~SlotReports() = default;
};

/// Thread: as CommandHandler.
class ReportCommands final : public CommandHandler {
  public:
    explicit ReportCommands(Object& object) : object_(object) {}
    void execute(Str command, Str arguments, CommandReply& reply) override;

  private:
    Object& object_;
};

inline constexpr CommandInfo kReportCommands[] = {
    {.name = "query-acpi-ospm-status",
     .summary = "what the guest reports of slots for CPUs and memory modules",
     .returns = "[ACPIOSTInfo]"},
};

}  // namespace backplane::hotplug
