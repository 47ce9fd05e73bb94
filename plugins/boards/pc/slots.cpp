#include "slots.h"

#include <backplane/acpi.h>
#include <backplane/bus.h>

namespace backplane::pc {

Object* Slots::make_bus(BoardContext& context, const char* type, const char* name, bool tells_guests,
                        Errors& errors) {
    context_ = &context;
    tells_guests_ = tells_guests;
    Object* bus = context.create(type, name, errors);
    if (!bus || !context.realize(*bus, errors)) return nullptr;
    query<SlotBus>(*bus)->set_owner(*this);
    return bus;
}

void Slots::set_registers(AcpiSlots& registers, AcpiEvents& events) {
    registers_ = &registers;
    registers.set_owner(*this, events);
}

void Slots::came(std::uint32_t number) {
    if (finished_ && asked()) asked()->occupied(number);
}

void Slots::left(std::uint32_t number) {
    if (registers_) registers_->emptied(number);
}

void Slots::let_go(std::uint32_t number) {
    static_cast<UnpluggedDevices*>(context_->host_interface(UnpluggedDevices::kId))
        ->unplugged(*slot(number).device);
}

}  // namespace backplane::pc
