// Acme board: one RISC-V hart, RAM, a blinker whose interrupt goes to the hart, and the test finisher of another
// vendor. All of it found by name.
#include <backplane/board.h>
#include <backplane/plugin.h>
#include <backplane/property.h>

#include <string>

using namespace backplane;

namespace {

constexpr std::uint64_t kRam = 0x80000000;
constexpr unsigned kMachineExternal = 11;

class AcmeBoard final : public Board {
  public:
    explicit AcmeBoard(Object&) {}

    bool build(BoardContext& context, Errors& errors) override {
        if (!context.system_memory().add(context.ram(), Offset(kRam), 0, errors)) return false;
        Object* hart = context.create_cpu(0, errors);
        if (!hart || !hart->set_property("resetvec", std::to_string(kRam), errors) ||
            !context.realize(*hart, errors))
            return false;
        Object* blinker = chip(context, "acme-blinker", "blinker", "registers", 0x10010000, errors);
        Object* finisher = chip(context, "riscv.sifive.test", "finisher", "control", 0x100000, errors);
        return blinker && finisher &&
               context.connect(*blinker, "irq", 0, *hart, "irq", kMachineExternal, errors);
    }
    bool finish(BoardContext& context, Errors& errors) override {
        Bytes program;
        return context.read_file(firmware_, true, context.ram().size(), program, errors) &&
               context.add_blob("the program", GuestAddress(kRam), program, errors);
    }
    void reset(BoardContext&) override {}

    std::string firmware_;

  private:
    static Object* chip(BoardContext& context, const char* type, const char* name, const char* region,
                        std::uint64_t address, Errors& errors) {
        Object* object = context.create(type, name, errors);
        if (!object || !context.realize(*object, errors)) return nullptr;
        return context.map(*object, region, GuestAddress(address), errors) ? object : nullptr;
    }
};

constexpr BoardTraits kTraits{
    .max_cpus = 1, .default_ram = 16 << 20, .default_cpu = "rv64", .cpu_family = "riscv-cpu"};
constexpr InterfaceInfo kInterfaces[] = {offers<AcmeBoard, Board>()};
constexpr PropertyInfo kProperties[] = {
    property<&AcmeBoard::firmware_>({.name = "firmware", .summary = "the program (-bios)"})};
constexpr MachineVersion kVersions[] = {
    {.version = "2.0"},
    {.version = "1.0",
     .release = "acme:1.0",
     .deprecated = "it blinks at half the speed; use acme-board-2.0"},
};
constexpr TypeInfo kTypes[] = {{.name = "acme-board-machine",
                                .parent = "machine",
                                .summary = "Acme evaluation board",
                                .option_name = "acme-board",
                                .interfaces = kInterfaces,
                                .properties = kProperties,
                                .versions = kVersions,
                                .class_data = &kTraits,
                                .instance_init = make_part<AcmeBoard>,
                                .instance_finalize = free_part<AcmeBoard>}};

}  // namespace

BACKPLANE_PLUGIN("acme-board", "1.0", "Acme Ltd", kTypes)
