#include "apic_bus.h"

#include "listing.h"
#include "local_apic.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

namespace backplane::apic {

bool ApicBusPart::realize(Errors&) {
    const IoTraits traits{.minimum = 4, .maximum = 4, .implemented_min = 4, .implemented_max = 4};
    context_.export_region("apic-msi", context_.memory().io("apic-msi", x86::kMessageSize, *this, traits));
    return true;
}

std::uint64_t ApicBusPart::read(Offset offset, unsigned, Access& access) {
    x86::LocalApic* apic = local_apic(access.cpu);
    return apic ? apic->read_register(std::uint32_t(offset.value), access) : ~0u;
}

void ApicBusPart::write(Offset offset, std::uint64_t value, unsigned, Access& access) {
    if (x86::LocalApic* apic = local_apic(access.cpu))
        return apic->write_register(std::uint32_t(offset.value), std::uint32_t(value), access);
    if (!access.debug()) send(x86::unpack_message(x86::kMessageBase + offset.value, std::uint32_t(value)));
}

void ApicBusPart::set_local_apic(std::uint32_t cpu, x86::LocalApic* apic) {
    if (cpu >= apics_.size()) apics_.resize(cpu + 1);
    apics_[cpu] = apic;
}

void ApicBusPart::send(const x86::InterruptMessage& message) {
    x86::LocalApic* lowest = nullptr;
    for (x86::LocalApic* apic : apics_) {
        if (!apic || !apic->matches(message.destination, message.logical)) continue;
        if (message.mode != LowestPriority)
            apic->deliver(message.mode, message.vector, message.level_triggered);
        else if (!lowest || apic->arbitration_priority() < lowest->arbitration_priority()) lowest = apic;
    }
    if (lowest) lowest->deliver(message.mode, message.vector, message.level_triggered);
}

void ApicBusPart::send_to_all(const x86::InterruptMessage& message, const x86::LocalApic* but) {
    for (x86::LocalApic* apic : apics_)
        if (apic && apic != but) apic->deliver(message.mode, message.vector, message.level_triggered);
}

void ApicBusPart::end_of_interrupt(std::uint8_t vector) {
    for (x86::EndOfInterrupt* listener : listeners_) listener->end_of_interrupt(vector);
}

namespace {

constexpr InterfaceInfo kBusInterfaces[] = {offers<ApicBusPart, Device>(),
                                            offers<ApicBusPart, x86::ApicBus>()};
constexpr InterfaceInfo kApicInterfaces[] = {
    offers<LocalApicPart, Device>(), offers<LocalApicPart, x86::LocalApic>(),
    offers<LocalApicPart, NmiInput>(), offers<LocalApicPart, LocalApicView>()};

constexpr PropertyInfo kApicProperties[] = {
    property<&LocalApicPart::processor_object_>(
        {.name = "cpu", .summary = "the processor that it belongs to"}),
    property<&LocalApicPart::bus_>({.name = "bus", .summary = "what joins it with the others"}),
    property<&LocalApicPart::version_>(
        {.name = "version", .summary = "as the version register says", .default_text = "0x14"}),
};

constexpr RegionInfo kBusRegions[] = {{.name = "apic-msi", .size = x86::kMessageSize}};
constexpr WireInfo kApicWires[] = {{.name = "lint",
                                    .direction = WireDirection::Input,
                                    .summary = "LINT0, the 8259's, and LINT1",
                                    .count = 2}};

constexpr InterfaceInfo kListingInterfaces[] = {offers<InterruptListing, CommandHandler>()};

constexpr TypeInfo kTypes[] = {
    device_type<ApicBusPart>({
        .name = "apic-bus",
        .summary = "window of messages, and of the local APICs",
        .category = "Misc",
        .interfaces = kBusInterfaces,
        .regions = kBusRegions,
    }),
    device_type<LocalApicPart>({
        .name = "apic",
        .summary = "local APIC",
        .category = "Misc",
        .interfaces = kApicInterfaces,
        .properties = kApicProperties,
        .wires = kApicWires,
    }),
    {
        .name = "interrupt-listing",
        .parent = "service",
        .summary = "shows interrupt controllers in monitors",
        .interfaces = kListingInterfaces,
        .commands = kListingCommands,
        .instance_init = make_part<InterruptListing>,
        .instance_finalize = free_part<InterruptListing>,
    },
};

}  // namespace
}  // namespace backplane::apic

BACKPLANE_PLUGIN("apic", "1.0", "Backplane", backplane::apic::kTypes)
