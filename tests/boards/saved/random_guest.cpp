#include "random_guest.h"

#include <backplane/draft/debug.h>

namespace backplane::testing {
namespace {

/// What a PC's firmware would set up: where the functions of the PIIX have their ports.
struct Setup {
    unsigned function, offset;
    std::uint64_t value;
    unsigned size;
};
constexpr unsigned kIde = 1 << 3 | 1, kPower = 1 << 3 | 3;
constexpr Setup kPiix[] = {
    {kIde, 0x20, 0xc041, 4}, {kIde, 0x04, 5, 2},        {kPower, 0x40, 0x601, 4},
    {kPower, 0x80, 1, 1},    {kPower, 0x90, 0xb101, 4}, {kPower, 0xd2, 1, 1},
};

}  // namespace

/// Mostly small numbers, addresses in memory, and single bits: what registers react to.
std::uint64_t RandomGuest::value(const Places& places) {
    switch (random_() % 6) {
    case 0:
    case 1: return random_() % 256;
    case 2: return places.ram + random_() % 0x10000;
    case 3: return ~std::uint64_t{0};
    case 4: return std::uint64_t{1} << random_() % 64;
    default: return random_();
    }
}

void RandomGuest::find_devices(SavedBoard& board) {
    if (board.places().ide)
        for (const Setup& row : kPiix) board.set_config(row.function, row.offset, row.value, row.size);
    drivers_.find(board);
}

void RandomGuest::poke(SavedBoard& board, Observed& observed) {
    const Places& places = board.places();
    if (random_() % (places.memory.size() + places.ports.size()) >= places.memory.size())
        return poke_port(board, observed);
    const Window& window = places.memory[random_() % places.memory.size()];
    const unsigned size = 1u << random_() % 4;
    const std::uint64_t address = (window.base + random_() % window.size) & ~std::uint64_t(size - 1);
    if (random_() % 3) return board.bench.store(address, value(places), size);
    observed.push_back(board.bench.load(address, size));
    observed.push_back(board.bench.failed());
}

void RandomGuest::poke_port(SavedBoard& board, Observed& observed) {
    const Window& window = board.places().ports[random_() % board.places().ports.size()];
    const std::uint64_t offset = random_() % window.size;
    unsigned size = 1u << random_() % 3;
    while (offset + size > window.size) size /= 2;
    if (random_() % 3) board.out(window.base + offset, value(board.places()), size);
    else observed.push_back(board.in(window.base + offset, size));
}

void RandomGuest::type(FakeChar& chars, Observed& observed) {
    if (!chars.front) return;
    chars.room = random_() % 3 ? ~std::size_t{0} : random_() % 20;
    chars.front->can_send();
    const std::size_t room = chars.front->can_receive();
    observed.push_back(room);
    std::vector<std::uint8_t> typed(std::min<std::size_t>(room, random_() % 20));
    for (std::uint8_t& byte : typed) byte = std::uint8_t(random_());
    if (!typed.empty()) chars.front->receive(typed);
    if (random_() % 8 == 0) chars.front->char_event(CharEvent::Break);
    for (const char byte : std::exchange(chars.written, {})) observed.push_back(std::uint8_t(byte));
}

void RandomGuest::host_acts(SavedBoard& board, Observed& observed) {
    constexpr std::uint64_t kSteps[] = {100, 10'000, 1'000'000, 1'000'000'000};
    switch (random_() % 5) {
    case 0: board.clock().step_to(board.clock().now_ns() + kSteps[random_() % std::size(kSteps)]); break;
    case 1: type(board.terminal(), observed); break;
    case 2: type(board.stream(), observed); break;
    case 3: {
        std::vector<std::uint8_t> frame(14 + random_() % 300);
        for (std::uint8_t& byte : frame) byte = std::uint8_t(random_());
        if (NetFront* front = board.wire().front) observed.push_back(front->receive_frame(frame));
        for (const auto& sent : std::exchange(board.wire().sent, {})) observed.push_back(sent.size());
        break;
    }
    default:
        board.node().hold = random_() % 2;
        if (!board.node().hold) board.node().let_go();
        board.source().left = random_() % 3 ? ~std::size_t{0} : random_() % 64;
    }
    board.parts().loop.run_ready();
}

void RandomGuest::look_at_registers(SavedBoard& board, Observed& observed) {
    for (kernel::Instance* device : board.parts().devices.all()) {
        auto* cpu = backplane::query<CpuDebug>(*device);
        if (!cpu) continue;
        for (const DebugFeature& feature : cpu->debug_features())
            for (const DebugRegister& reg : feature.registers) {
                std::uint64_t bits = value(board.places());
                Bytes bytes(reinterpret_cast<std::uint8_t*>(&bits), std::min<std::size_t>(reg.bits / 8, 8));
                if (random_() % 4 == 0) observed.push_back(cpu->write_register(reg, bytes));
                bits = 0;
                observed.push_back(
                    cpu->read_register(reg, {reinterpret_cast<std::uint8_t*>(&bits), bytes.size}));
                observed.push_back(bits);
            }
    }
    board.parts().processors.states_changed();
}

Observed RandomGuest::act(SavedBoard& board, unsigned times) {
    Observed observed;
    for (unsigned i = 0; i < times; ++i) {
        switch (random_() % 8) {
        case 0:
        case 1: poke(board, observed); break;
        case 2: host_acts(board, observed); break;
        case 3:
            if (board.places().ide) {
                disks_.act(board, random_, observed);
                break;
            }
            [[fallthrough]];
        default: drivers_.act(board, random_, observed);
        }
        if (random_() % 1000 == 0) look_at_registers(board, observed);
        if (random_() % 4000 == 0 && resets_) board.bench.machine().reset();
    }
    return observed;
}

}  // namespace backplane::testing
