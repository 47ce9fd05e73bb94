// Every type of device that there is, on a board, driven by a guest that does anything: what is saved and loaded is
// the same machine, to itself, to its wires and to the guest.
#include "boards/saved/random_guest.h"
#include "boards/saved/stream_pieces.h"

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

using kernel::Catalog;

/// The host's ends that a device of this type needs.
kernel::PropertyList links(const Catalog& catalog, const kernel::ManifestType& type) {
    constexpr std::pair<const char*, const char*> kEnds[] = {
        {"drive", "node"}, {"netdev", "wire"}, {"rng", "source"}, {"chardev", "stream"}};
    kernel::PropertyList links;
    if (type.name == "loader") return {{"addr", "0x80400000"}, {"data", "0x5a"}, {"data-len", "4"}};
    if (type.name == "pci-bridge") return {{"chassis_nr", "3"}};
    // The board has the first one.
    if (type.name == "isa-fdc") return {{"iobase", "0x370"}, {"dma", "1"}};
    for (const kernel::ManifestProperty* property : catalog.properties(type))
        for (const auto& [name, end] : kEnds)
            if (property->name == name) links.emplace_back(name, end);
    return links;
}

enum class On { Virt, Pc };
struct Subject {
    On board;
    std::string type{};  ///< empty: the board as it is
    std::string cpu{};   ///< empty: the board's
};
void PrintTo(const Subject& subject, std::ostream* out) { *out << subject.type << " " << subject.cpu; }

BoardOptions board_with(const Subject& subject, unsigned seed) {
    BoardOptions options = subject.board == On::Pc ? SavedBoard::pc_options() : SavedBoard::options();
    if (!subject.cpu.empty()) options.cpu = subject.cpu;
    options.globals = {{"virtio-mmio", "force-legacy", seed % 2 ? "off" : "on"}};
    if (subject.type.empty()) return options;
    const Catalog catalog;
    const kernel::ManifestType& type = *catalog.find_type(subject.type);
    if (catalog.bus_of(type) == "virtio-serial-bus")
        options.devices.emplace_back(seed % 2 ? "virtio-serial-device" : "virtio-serial-pci",
                                     kernel::PropertyList{});
    if (catalog.bus_of(type) == "usb") options.devices.emplace_back("piix3-usb-uhci", kernel::PropertyList{});
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

/// Has it a place on a PC alone?
bool of_pc(const Catalog& catalog, const kernel::ManifestType& type) {
    const auto bus = catalog.bus_of(type);
    return bus == "isa" || bus == "IDE" || bus == "floppy-bus" || bus == "usb" ||
           type.architecture == "x86_64";
}

/// What goes into slots that a board has only where its user asks for them: tests/boards/pc/hot_plug_test.py saves that.
bool has_own_test(const Catalog& catalog, const kernel::ManifestType& type) {
    return catalog.is_a(type, "cpu") || catalog.bus_of(type) == "dimm";
}

/// Of each type, the ones that users add and the CPUs; a board's own chips are on the board.
std::vector<Subject> subjects() {
    std::vector<Subject> all{{On::Virt}, {On::Pc}, {On::Pc, "virtio-net-pci"}};
    const Catalog catalog;
    for (const Catalog::Listed& listed : catalog.list("device"))
        if (listed.type->user_creatable && !has_own_test(catalog, *listed.type))
            all.push_back({of_pc(catalog, *listed.type) ? On::Pc : On::Virt, listed.type->name});
    for (const Catalog::Listed& listed : catalog.list("riscv-cpu"))
        all.push_back({On::Virt, "", listed.type->name});
    // Those of an x86 processor have one state, and differ in what of it a guest may use.
    all.push_back({On::Pc, "", "max-x86_64-cpu"});
    return all;
}

std::string subject_name(const ::testing::TestParamInfo<Subject>& info) {
    const Subject& subject = info.param;
    std::string name = subject.type + subject.cpu;
    if (name.empty()) name = "board";
    if (subject.board == On::Pc) name += "_on_pc";
    std::ranges::replace(name, '-', '_');
    return name;
}
INSTANTIATE_TEST_SUITE_P(Types, EveryDevice, ::testing::ValuesIn(subjects()), subject_name);

TEST(EveryDeviceType, IsUserCreatableOrOnABoard) {
    const Catalog catalog;
    std::set<std::string> there;
    for (const BoardOptions& options : {SavedBoard::options(), SavedBoard::pc_options()}) {
        SavedBoard board(options);
        for (kernel::Instance* device : board.parts().devices.all())
            there.insert(std::string(device->type_name().view()));
    }
    // An accelerator's own chips need a processor that it runs, and a board has slots for memory where a user asks for some:
    // their own tests save them.
    const auto elsewhere = [](const kernel::ManifestType& type) {
        return type.name.starts_with("kvm-") || type.name == "acpi-memory-hotplug";
    };
    for (const Catalog::Listed& listed : catalog.list("device"))
        EXPECT_TRUE(listed.type->user_creatable || catalog.is_a(*listed.type, "cpu") ||
                    there.contains(listed.type->name) || elsewhere(*listed.type))
            << listed.type->name << " is saved by no test";
}

}  // namespace
}  // namespace backplane::testing
