// Every type of device that there is, on a board, driven by a guest that does anything: what is saved and loaded is
// the same machine, to itself, to its wires and to the guest.
#include "boards/saved/random_guest.h"
#include "boards/saved/stream_pieces.h"

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

using kernel::Catalog;

/// Of a PC, which these tests do not build.
bool is_on_no_board(std::string_view bus) { return bus == "isa" || bus == "floppy-bus"; }

/// The host's ends that a device of this type needs.
kernel::PropertyList links(const Catalog& catalog, const kernel::ManifestType& type) {
    constexpr std::pair<const char*, const char*> kEnds[] = {
        {"drive", "node"}, {"netdev", "wire"}, {"rng", "source"}, {"chardev", "stream"}};
    kernel::PropertyList links;
    if (type.name == "loader") return {{"addr", "0x80400000"}, {"data", "0x5a"}, {"data-len", "4"}};
    for (const kernel::ManifestProperty* property : catalog.properties(type))
        for (const auto& [name, end] : kEnds)
            if (property->name == name) links.emplace_back(name, end);
    return links;
}

struct Subject {
    std::string type;  ///< empty: the board as it is
    std::string cpu = "rv64-riscv-cpu";
};
void PrintTo(const Subject& subject, std::ostream* out) { *out << subject.type << " " << subject.cpu; }

BoardOptions board_with(const Subject& subject, unsigned seed) {
    BoardOptions options = SavedBoard::options();
    options.cpu = subject.cpu;
    options.globals = {{"virtio-mmio", "force-legacy", seed % 2 ? "off" : "on"}};
    if (subject.type.empty()) return options;
    const Catalog catalog;
    const kernel::ManifestType& type = *catalog.find_type(subject.type);
    if (catalog.bus_of(type) == "virtio-serial-bus")
        options.devices.emplace_back(seed % 2 ? "virtio-serial-device" : "virtio-serial-pci",
                                     kernel::PropertyList{});
    if (catalog.bus_of(type) == "IDE") options.devices.emplace_back("piix3-ide", kernel::PropertyList{});
    options.devices.emplace_back(subject.type, links(catalog, type));
    return options;
}

/// The same machine, its devices one after the other as it comes.
std::vector<std::uint8_t> in_another_order(const std::vector<std::uint8_t>& stream, unsigned seed) {
    StreamPieces pieces(stream);
    const auto is_device = [](const auto& section) { return section.kind == kernel::snapshot::kDevice; };
    const auto first = std::ranges::find_if(pieces.sections, is_device);
    const auto last = std::find_if_not(first, pieces.sections.end(), is_device);
    std::shuffle(first, last, std::mt19937(seed));
    return pieces.stream();
}

class EveryDevice : public ::testing::TestWithParam<Subject> {};

TEST_P(EveryDevice, GoesOnFromItsStreamAsItWas) {
    for (unsigned seed = 1; seed <= 4; ++seed) {
        SCOPED_TRACE(seed);
        const BoardOptions options = board_with(GetParam(), seed);
        SavedBoard source(options), fresh(options), used(options);
        RandomGuest guest(seed), other_guest(seed + 100);
        guest.find_devices(source);
        guest.act(source, 3000);
        other_guest.find_devices(used);
        other_guest.act(used, 3000);

        const std::vector<std::uint8_t> stream = source.save();
        for (SavedBoard* target : {&fresh, &used}) {
            SCOPED_TRACE(target == &fresh ? "a fresh machine" : "a machine that did other things");
            const std::string changes = target->changes();
            ASSERT_EQ(target->load(Bytes(target == &fresh ? stream : in_another_order(stream, seed))), "");
            EXPECT_EQ(target->changes(), changes) << "a chip heard of a wire";
            if (target->save() != stream) FAIL() << difference(source, *target);
            target->share_host_of(source);
        }
        std::vector<Observed> observed;
        guest.resets(false);
        for (SavedBoard* board : {&source, &fresh, &used}) {
            RandomGuest same(guest);
            board->resume();
            observed.push_back(same.act(*board, 1000));
        }
        const auto saved = source.save();
        EXPECT_EQ(observed[1], observed[0]);
        if (fresh.save() != saved) FAIL() << difference(source, fresh);
        EXPECT_EQ(observed[2], observed[0]);
        if (used.save() != saved) FAIL() << difference(source, used);
    }
}

/// Of each type, the ones that users add and the CPUs; a board's own chips are on the board.
std::vector<Subject> subjects() {
    std::vector<Subject> all{{}};
    const Catalog catalog;
    for (const Catalog::Listed& listed : catalog.list("device"))
        if (listed.type->user_creatable && !is_on_no_board(catalog.bus_of(*listed.type)))
            all.push_back({listed.type->name});
    for (const Catalog::Listed& listed : catalog.list("riscv-cpu")) all.push_back({"", listed.type->name});
    return all;
}

std::string subject_name(const ::testing::TestParamInfo<Subject>& info) {
    std::string name = info.param.type.empty() ? info.param.cpu : info.param.type;
    if (info.index == 0) name = "board";
    std::ranges::replace(name, '-', '_');
    return name;
}
INSTANTIATE_TEST_SUITE_P(Types, EveryDevice, ::testing::ValuesIn(subjects()), subject_name);

TEST(EveryDeviceType, IsUserCreatableOrOnABoard) {
    const Catalog catalog;
    SavedBoard board(SavedBoard::options());
    std::set<std::string> there;
    for (kernel::Instance* device : board.parts().devices.all())
        there.insert(std::string(device->type_name().view()));
    // Chips of a PC beside those on its ISA bus.
    const std::set<std::string_view> parts{"apic", "apic-bus", "fw_cfg_io", "hpet", "i440FX", "ioapic",
                                           "i440FX-pcihost", "PIIX3", "PIIX4_PM", "ps2-kbd", "ps2-mouse",
                                           "smbus-eeprom",
                                           // The accelerator's own, in the place of such.
                                           "kvm-apic", "kvm-ioapic", "kvm-apic-bus"};
    const auto waits = [&](const kernel::ManifestType& type) {
        return is_on_no_board(catalog.bus_of(type)) || parts.contains(type.name);
    };
    for (const Catalog::Listed& listed : catalog.list("device"))
        EXPECT_TRUE(listed.type->user_creatable || catalog.is_a(*listed.type, "cpu") ||
                    there.contains(listed.type->name) || waits(*listed.type))
            << listed.type->name << " is saved by no test";
}

}  // namespace
}  // namespace backplane::testing
