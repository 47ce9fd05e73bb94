#include "kernel/machine/machine_board.h"

#include "kernel/machine/board_host.h"
#include "kernel/machine/machine_parts.h"

#include <algorithm>
#include <cstring>

namespace backplane::kernel {

BoardHost& MachineBoard::host() { return static_cast<BoardHost&>(*object_->host()); }

bool MachineBoard::set_type(std::string_view type_name, Errors& errors) {
    const Type* type = machine_.catalog.types().find(type_name, errors);
    if (!type) return false;
    machine_.objects->set_compat(type->compat());
    Instance* object = machine_.objects->create(type_name, "machine", machine_.objects->root(), errors);
    if (!object) return false;
    auto* board = backplane::query<Board>(*object);
    if (!board || !type->class_data()) {
        errors.fail("type '" + std::string(type_name) + "' is not a board that can be built");
        machine_.objects->destroy(*object);
        return false;
    }
    std::uint32_t size = 0;
    std::memcpy(&size, type->class_data(), sizeof size);
    traits_ = {};
    std::memcpy(static_cast<void*>(&traits_), type->class_data(),
                std::min<std::size_t>(size, sizeof(BoardTraits)));
    object_ = object;
    board_ = board;
    return true;
}

bool MachineBoard::build(Errors& errors) {
    const MachineConfiguration& wanted = machine_.configuration;
    const bool ram = wanted.ram_backend ? machine_.memory.take_ram(*wanted.ram_backend, errors)
                                        : machine_.memory.make_ram(wanted.ram_size, errors);
    if (!ram) return false;
    // Each mapping shows at once: a board may put bytes into what it has mapped.
    return object_->realize(errors) &&
           refusable(object_->callee(), "Board::build()", errors,
                     [&](Errors& reason) { return board_->build(host(), reason); });
}

bool MachineBoard::finish(Errors& errors) {
    const auto finish = [&](Errors& reason) { return board_->finish(host(), reason); };
    if (!refusable(object_->callee(), "Board::finish()", errors, finish) ||
        !machine_.processors.attach_all(errors))
        return false;
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
