#include "kernel/machine/machine_board.h"

#include "kernel/machine/board_host.h"
#include "kernel/machine/machine_parts.h"

namespace backplane::kernel {

BoardHost& MachineBoard::host() { return static_cast<BoardHost&>(*object_->host()); }

bool MachineBoard::set_type(std::string_view type_name, Errors& errors) {
    const Type* type = machine_.catalog.types().find(type_name, errors);
    if (!type) return false;
    machine_.objects->set_compat(type->compat());
    machine_.objects->set_release(type->release());
    Instance* object = machine_.objects->create(type_name, "machine", machine_.objects->root(), errors);
    if (!object) return false;
    auto* board = backplane::query<Board>(*object);
    if (!board || !type->class_data()) {
        errors.fail("type '" + std::string(type_name) + "' is not a board that can be built");
        machine_.objects->destroy(*object);
        return false;
    }
    traits_ = read_sized(*static_cast<const BoardTraits*>(type->class_data()));
    for (Slice<const ShortName>* names :
         {&traits_.drive_interfaces, &traits_.nic_models, &traits_.device_aliases, &traits_.displays})
        *names = rows_.rows(*names, traits_.short_name_size);
    traits_.default_drives = rows_.rows(traits_.default_drives, traits_.default_drive_size);
    warn_of(*type);
    object_ = object;
    board_ = board;
    return true;
}

void MachineBoard::warn_of(const Type& type) const {
    const std::string name = type.info().option_name ? type.info().option_name : type.info().name;
    if (!type.deprecated().empty())
        machine_.log.write(LogLevel::Warning, "machine", name + " is deprecated: " + type.deprecated());
    for (const PluginFile& file : machine_.catalog.plugins())
        if (file.manifest.plugin == type.plugin())
            for (const std::string& warning : machine_.catalog.warnings(file))
                machine_.log.write(LogLevel::Warning, "machine", warning);
}

bool MachineBoard::build(Errors& errors) {
    const MachineConfiguration& wanted = machine_.configuration;
    const std::vector<Object*> backends(wanted.ram_backends.begin(), wanted.ram_backends.end());
    const bool ram = backends.empty() ? machine_.memory.make_ram(wanted.ram_size, errors)
                                      : machine_.memory.take_ram(backends, errors);
    if (!ram) return false;
    // A board may put bytes into what it has mapped; few look, and each look renders the map.
    const MapTransaction transaction(machine_.memory.map());
    return object_->realize(errors) &&
           refusable(object_->callee(), "Board::build()", errors,
                     [&](Errors& reason) { return board_->build(host(), reason); });
}

bool MachineBoard::finish(Errors& errors) {
    const auto finish = [&](Errors& reason) { return board_->finish(host(), reason); };
    if (!refusable(object_->callee(), "Board::finish()", errors, finish) ||
        !machine_.processors.attach_all(errors))
        return false;
    // Where tools look for devices, also when there is none.
    for (const char* place : {"machine/peripheral", "machine/peripheral-anon"}) machine_.folder(place);
    finished_ = true;
    return true;
}

void MachineBoard::reset() {
    if (!board_) return;
    host().load_blobs();
    contained(object_->callee(), "Board::reset()", [&] { board_->reset(host()); });
}

void MachineBoard::forget(Instance& instance) {
    if (&instance != object_) return;
    object_ = nullptr;
    board_ = nullptr;
}

}  // namespace backplane::kernel
