// The plugin "i82077": the floppy controller on the ISA bus, its bus, and drives.
#include "bus.h"

#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/text.h>

namespace backplane::i82077 {
namespace {

constexpr std::uint64_t kFirstPorts = 5;  // 3F1h to 3F5h; 3F6h is the IDE controller's

class IsaFdc final : public DeviceBase, public FloppyDrives, public FirmwarePlace {
  public:
    static const PropertyInfo kProperties[];

    explicit IsaFdc(Object& object)
        : object_(object),
          context_(device_context(object)),
          interrupt_(context_.add_outputs("irq", 1)),
          controller_(context_, interrupt_) {
        controller_.describe(context_.state());
    }

    bool realize(Errors& errors) override {
        MemoryRegion& first = context_.memory().io("fdc", kFirstPorts, first_ports_, kIsaByteRegisters);
        MemoryRegion& last = context_.memory().io("fdc", 1, last_port_, kIsaByteRegisters);
        context_.export_region("registers", first);
        context_.export_region("rate", last);
        controller_.set_types(first_type_, second_type_, fallback_);
        controller_.set_boot_indices(first_index_, second_index_);
        Object* bus = context_.create_bus("floppy-bus", "floppy-bus.0", errors);
        if (!bus) return false;
        query<FloppyBus>(*bus)->set_controller(&controller_);
        auto* isa = static_cast<IsaBus*>(context_.bus(IsaBus::kId));
        return !isa || place(*isa, first, last, errors);
    }
    void unrealize() override {
        controller_.drain();
        if (!dma_) return;
        IgnoredErrors none;
        dma_->take_channel(channel_, nullptr, none);
        controller_.set_channel(nullptr);
        dma_ = nullptr;
    }
    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Enter) controller_.reset();
        if (phase == ResetPhase::Hold) controller_.update_interrupt();
    }
    void before_save() override { controller_.drain(); }
    bool after_load(Errors& errors) override {
        if (controller_.plausible()) return true;
        errors.fail("a command is under way that does not exist");
        return false;
    }

    FloppyGeometry floppy_geometry(unsigned unit) const override {
        const FloppyDrive* drive = controller_.drive(unit);
        return drive ? geometry_of(drive->type()) : FloppyGeometry{};
    }

    /// By the first of its ports.
    bool firmware_path(TextSink& out) const override {
        const auto* bus = static_cast<const FirmwarePlace*>(context_.bus(FirmwarePlace::kId));
        if (!bus || !bus->firmware_path(out)) return false;
        const std::string port = hex(iobase_);
        out.append("/fdc@" + std::string(4 - std::min<std::size_t>(4, port.size()), '0') + port);
        return true;
    }

  private:
    template <unsigned First>
    class Ports final : public IoHandler {
      public:
        explicit Ports(Controller& controller) : controller_(controller) {}
        std::uint64_t read(Offset offset, unsigned, Access& access) override {
            return controller_.read(First + unsigned(offset.value), access);
        }
        void write(Offset offset, std::uint64_t value, unsigned, Access& access) override {
            if (!access.debug()) controller_.write(First + unsigned(offset.value), std::uint8_t(value));
        }

      private:
        Controller& controller_;
    };

    bool place(IsaBus& isa, MemoryRegion& first, MemoryRegion& last, Errors& errors) {
        if (!isa.dma()) {
            errors.fail("there is no DMA controller on the bus, which a floppy controller needs");
            return false;
        }
        IsaDmaChannel* channel = isa.dma()->take_channel(channel_, &controller_, errors);
        if (!channel) return false;
        dma_ = isa.dma();
        controller_.set_channel(channel);
        if (isa.add_ports(object_, first, Port(iobase_ + 1), errors) &&
            isa.add_ports(object_, last, Port(iobase_ + 7), errors) && isa.join(object_, 0, irq_, errors))
            return true;
        unrealize();
        return false;
    }

    Object& object_;
    DeviceContext& context_;
    Wire& interrupt_;
    Controller controller_;
    Ports<1> first_ports_{controller_};
    Ports<7> last_port_{controller_};
    IsaDma* dma_ = nullptr;

  public:
    std::uint32_t iobase_ = 0x3f0, irq_ = 6, channel_ = 2;
    std::int32_t first_index_ = -1, second_index_ = -1;
    DriveType first_type_ = DriveType::Auto, second_type_ = DriveType::Auto, fallback_ = DriveType::Mb288;

    bool check_fallback(std::uint64_t type, Errors& errors) const {
        if (DriveType(type) != DriveType::Auto) return true;
        errors.fail("is what a drive without a diskette is: 144, 288, 120 or none");
        return false;
    }
};

constexpr PropertyInfo IsaFdc::kProperties[] = {
    property<&IsaFdc::iobase_>({.name = "iobase",
                                .summary = "where its eight ports begin",
                                .default_text = "0x3f0",
                                .maximum = 0xfff8}),
    property<&IsaFdc::irq_>({.name = "irq", .summary = "its line", .default_text = "6"}),
    property<&IsaFdc::channel_>(
        {.name = "dma", .summary = "its DMA channel", .default_text = "2", .maximum = 3}),
    property<&IsaFdc::first_index_>({.name = "bootindexA",
                                     .summary = "drive A's place in the boot order; -1: none",
                                     .default_text = "-1"}),
    property<&IsaFdc::second_index_>({.name = "bootindexB",
                                      .summary = "drive B's place in the boot order; -1: none",
                                      .default_text = "-1"}),
    enum_property<&IsaFdc::first_type_>({.name = "fdtypeA",
                                         .summary = "type of drive A, where it has none itself",
                                         .default_text = "auto",
                                         .choices = kDriveTypes}),
    enum_property<&IsaFdc::second_type_>({.name = "fdtypeB",
                                          .summary = "type of drive B, where it has none itself",
                                          .default_text = "auto",
                                          .choices = kDriveTypes}),
    enum_property<&IsaFdc::fallback_, &IsaFdc::check_fallback>(
        {.name = "fallback",
         .summary = "type of a drive without a diskette",
         .default_text = "288",
         .choices = kDriveTypes}),
};

constexpr PropertyInfo kDriveProperties[] = {
    medium_property<&FloppyDrive::change_medium>(
        {.name = "drive", .summary = "the block node that holds the data; without one there is no diskette"}),
    property<&FloppyDrive::unit_>({.name = "unit",
                                   .summary = "0: A, 1: B; 4294967295: the first that is free",
                                   .default_text = "4294967295"}),
    property<&FloppyDrive::bootindex_>({.name = "bootindex",
                                        .summary = "place in the boot order; -1: its controller's for it",
                                        .default_text = "-1"}),
    enum_property<&FloppyDrive::wanted_>({.name = "drive-type",
                                          .summary = "auto: what the image needs",
                                          .default_text = "auto",
                                          .choices = kDriveTypes}),
};

constexpr InterfaceInfo kControllerInterfaces[] = {offers<IsaFdc, Device>(), offers<IsaFdc, FloppyDrives>(),
                                                   offers<IsaFdc, FirmwarePlace>()};
constexpr InterfaceInfo kBusInterfaces[] = {offers<FloppyBusPart, Bus>(), offers<FloppyBusPart, FloppyBus>(),
                                            offers<FloppyBusPart, FirmwarePlace>()};
constexpr InterfaceInfo kDriveInterfaces[] = {
    offers<FloppyDrive, Device>(), offers<FloppyDrive, FloppyDrive>(), offers<FloppyDrive, MediumDrive>(),
    offers<FloppyDrive, Bootable>()};

constexpr RegionInfo kRegions[] = {
    {.name = "registers", .summary = "3F1h to 3F5h: outputs, status, data", .size = kFirstPorts},
    {.name = "rate", .summary = "3F7h: disk change, data rate", .size = 1},
};
constexpr WireInfo kWires[] = {{.name = "irq", .summary = "INT"}};
constexpr HistoryRow kHistory[] = {{"2.5", "fallback", "144"}};

constexpr TypeInfo kTypes[] = {
    {.name = "floppy-bus",
     .parent = "bus",
     .summary = "cable of floppy drives",
     .interfaces = kBusInterfaces,
     .instance_init = make_part<FloppyBusPart>,
     .instance_finalize = free_part<FloppyBusPart>},
    device_type<IsaFdc>({.name = "isa-fdc",
                         .summary = "virtual floppy controller",
                         .user_creatable = true,
                         .bus = "isa",
                         .category = "Storage",
                         .interfaces = kControllerInterfaces,
                         .properties = IsaFdc::kProperties,
                         .regions = kRegions,
                         .wires = kWires,
                         .history = kHistory,
                         .architecture = "x86_64"}),
    device_type<FloppyDrive>({.name = "floppy",
                              .summary = "virtual floppy drive",
                              .user_creatable = true,
                              .bus = "floppy-bus",
                              .category = "Storage",
                              .interfaces = kDriveInterfaces,
                              .properties = kDriveProperties}),
};

}  // namespace
}  // namespace backplane::i82077

BACKPLANE_PLUGIN("i82077", "1.0", "Backplane", backplane::i82077::kTypes)
