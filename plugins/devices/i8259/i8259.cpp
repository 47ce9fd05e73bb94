// 8259A interrupt controller, of which a PC/AT has two, with the edge/level register of its south bridge.
//
// Follows the "8259A Programmable Interrupt Controller" data sheet (Intel 231468-003) and, for ELCR, the "82371SB PIIX3"
// (290550-002, section 3.5.5). A request on an edge-triggered input stays when the input falls before it was
// acknowledged: PC devices that only pulse their line count on it. Not modelled: the MCS-80/85 mode (uPM = 0 is taken
// as the other), buffered mode, and any other cascade than the PC's: a slave on input 2.
#include <backplane/device.h>
#include <backplane/interrupt_text.h>
#include <backplane/isa.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/x86.h>
#include <lib/interrupt_chips.h>

#include <bit>

namespace backplane {
namespace {

constexpr unsigned kCascade = 2;

// ICW1
constexpr std::uint8_t kIc4 = 0x01;
constexpr std::uint8_t kSngl = 0x02;
constexpr std::uint8_t kLtim = 0x08;
constexpr std::uint8_t kIcw1 = 0x10;
// ICW4
constexpr std::uint8_t kAeoi = 0x02;
constexpr std::uint8_t kSfnm = 0x10;
// OCW3, which bit 3 of a command marks
constexpr std::uint8_t kOcw3 = 0x08;
constexpr std::uint8_t kRis = 0x01;
constexpr std::uint8_t kRr = 0x02;
constexpr std::uint8_t kPoll = 0x04;
constexpr std::uint8_t kSmm = 0x20;
constexpr std::uint8_t kEsmm = 0x40;

constexpr unsigned bit(unsigned input) { return 1u << input; }

class I8259 final : public DeviceBase,
                    public IoHandler,
                    public x86::InterruptAcknowledge,
                    public InterruptControllerText,
                    public InterruptCounts,
                    private chips::I8259Registers {
  public:
    static const PropertyInfo kProperties[];

    explicit I8259(Object& object)
        : context_(device_context(object)), interrupt_(context_.add_outputs("", 1)) {
        context_.add_inputs("", 8, inputs_);
        describe_registers(context_.state());
    }

    bool realize(Errors& errors) override {
        if (cascade_ && !master_) {
            errors.fail("cascade: only the master has a slave; set master=on, or leave this out");
            return false;
        }
        MemoryRegion& registers = context_.memory().io("pic", 2, *this, kIsaByteRegisters);
        MemoryRegion& elcr = context_.memory().io("elcr", 1, elcr_, kIsaByteRegisters);
        context_.export_region("registers", registers);
        context_.export_region("elcr", elcr);
        auto* isa = static_cast<IsaBus*>(context_.bus(IsaBus::kId));
        return !isa || (isa->add_ports(context_.object(), registers, Port(iobase_), errors) &&
                        isa->add_ports(context_.object(), elcr, Port(elcr_addr_), errors));
    }

    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Hold) update();
    }
    /// Its output may have been that of the kernel's chip, which is no wire.
    void resume() override { update(); }

    std::uint64_t read(Offset offset, unsigned, Access& access) override {
        if (poll_) return access.debug() ? poll_word() : poll();
        if (offset.value == 1) return mask_;
        return read_in_service_ ? in_service_ : requested();
    }

    void write(Offset offset, std::uint64_t value, unsigned, Access& access) override {
        if (access.debug()) return;
        const auto byte = std::uint8_t(value);
        if (offset.value == 1) write_data(byte);
        else if (byte & kIcw1) initialize(byte);
        else if (byte & kOcw3) write_ocw3(byte);
        else write_ocw2(byte);
        update();
    }

    void describe(TextSink& out) override { write_text(out, master_); }
    unsigned first_line() const override { return master_ ? 0 : 8; }
    Slice<const std::uint64_t> counts() const override { return counts_; }

    std::uint8_t acknowledge() override {
        const int request = highest_request();
        // It went away in the meantime: input 7's vector, and nothing in service.
        if (request < 0) return std::uint8_t(vector_base_ + 7);
        // The request falls between this one and the next (figure 9), which a master sees as an edge.
        interrupt_.set(0);
        take(unsigned(request));
        const bool slaves = cascade_ && unsigned(request) == kCascade;
        const std::uint8_t vector =
            slaves ? cascade_->acknowledge() : std::uint8_t(vector_base_ + unsigned(request));
        update();
        return vector;
    }

  private:
    /// ELCR1 or ELCR2.
    class Elcr final : public IoHandler {
      public:
        explicit Elcr(I8259& owner) : owner_(owner) {}
        std::uint64_t read(Offset, unsigned, Access&) override { return owner_.level_triggered_; }
        void write(Offset, std::uint64_t value, unsigned, Access& access) override {
            if (access.debug()) return;
            owner_.level_triggered_ = std::uint8_t(value & owner_.elcr_mask_);
            owner_.update();
        }

      private:
        I8259& owner_;
    };

    unsigned level_inputs() const { return all_level_triggered_ ? 0xff : level_triggered_; }
    /// IRR as it reads: latched edges, and the level of the others.
    std::uint8_t requested() const {
        return std::uint8_t((requests_ & ~level_inputs()) | (lines_ & level_inputs()));
    }
    /// The one of `inputs` whose priority is highest, as its distance from that; 8 when there is none.
    unsigned rank_of_highest(unsigned inputs) const {
        const unsigned ranked = (inputs << 8 | inputs) >> (lowest_ + 1u) & 0xff;
        return ranked ? unsigned(std::countr_zero(ranked)) : 8;
    }
    unsigned input_at(unsigned rank) const { return (rank + lowest_ + 1u) & 7; }

    /// The input to be served now; -1 when none outranks what is in service.
    int highest_request() const {
        const unsigned rank = rank_of_highest(requested() & ~unsigned{mask_});
        unsigned blocking = in_service_;
        if (special_mask_) blocking &= ~unsigned{mask_};
        const unsigned blocked = rank_of_highest(blocking);
        // Special fully nested: a slave is not locked out by its own request in service.
        const bool nested = fully_nested_ && master_ && rank == blocked && input_at(rank) == kCascade;
        return rank < 8 && (rank < blocked || nested) ? int(input_at(rank)) : -1;
    }

    void take(unsigned input) {
        requests_ &= std::uint8_t(~bit(input));
        if (!automatic_end_) in_service_ |= std::uint8_t(bit(input));
        else if (rotate_automatically_) lowest_ = std::uint8_t(input);
    }

    std::uint8_t poll_word() const {
        const int request = highest_request();
        return request < 0 ? 0 : std::uint8_t(0x80 | request);
    }
    /// A read after the poll command is an acknowledgement.
    std::uint8_t poll() {
        const std::uint8_t word = poll_word();
        poll_ = false;
        if (word) {
            interrupt_.set(0);
            take(word & 7);
            update();
        }
        return word;
    }

    void initialize(std::uint8_t icw1) {
        // "The edge sense circuit is reset": an input has to rise again.
        requests_ = 0;
        mask_ = 0;
        in_service_ = 0;
        lowest_ = 7;
        special_mask_ = read_in_service_ = poll_ = false;
        automatic_end_ = rotate_automatically_ = fully_nested_ = false;
        all_level_triggered_ = icw1 & kLtim;
        single_ = icw1 & kSngl;
        icw4_follows_ = icw1 & kIc4;
        expected_ = 2;
    }

    void write_data(std::uint8_t value) {
        switch (expected_) {
        case 0: mask_ = value; break;
        case 2:
            vector_base_ = value & 0xf8;
            expected_ = !single_ ? 3 : icw4_follows_ ? 4 : 0;
            break;
        case 3: expected_ = icw4_follows_ ? 4 : 0; break;  // ICW3: the PC's cascade is a wire
        default:
            automatic_end_ = value & kAeoi;
            fully_nested_ = value & kSfnm;
            expected_ = 0;
            break;
        }
    }

    void write_ocw2(std::uint8_t value) {
        const unsigned level = value & 7;
        switch (value >> 5) {
        case 0: rotate_automatically_ = false; break;
        case 4: rotate_automatically_ = true; break;
        case 1: end_of_interrupt(false); break;
        case 5: end_of_interrupt(true); break;
        case 3: in_service_ &= std::uint8_t(~bit(level)); break;
        case 6: lowest_ = std::uint8_t(level); break;
        case 7:
            in_service_ &= std::uint8_t(~bit(level));
            lowest_ = std::uint8_t(level);
            break;
        default: break;  // no operation
        }
    }

    /// Non-specific: ends the highest in service, but for those that special mask mode hides.
    void end_of_interrupt(bool rotate) {
        const unsigned rank =
            rank_of_highest(special_mask_ ? in_service_ & ~unsigned{mask_} : unsigned{in_service_});
        if (rank == 8) return;
        const unsigned input = input_at(rank);
        in_service_ &= std::uint8_t(~bit(input));
        if (rotate) lowest_ = std::uint8_t(input);
    }

    void write_ocw3(std::uint8_t value) {
        poll_ = value & kPoll;
        if (value & kRr) read_in_service_ = value & kRis;
        if (value & kEsmm) special_mask_ = value & kSmm;
    }

    void line_changed(unsigned input, int level) {
        const bool rises = level && !(lines_ & bit(input));
        if (rises) ++counts_[input];
        if (rises) requests_ |= std::uint8_t(bit(input));
        if (level) lines_ |= std::uint8_t(bit(input));
        else lines_ &= std::uint8_t(~bit(input));
        update();
    }

    void update() { interrupt_.set(highest_request() >= 0); }

  public:
    DeviceContext& context_;
    Wire& interrupt_;
    InputOf<&I8259::line_changed> inputs_{*this};
    Elcr elcr_{*this};
    x86::InterruptAcknowledge* cascade_ = nullptr;
    std::uint32_t iobase_ = 0;
    std::uint32_t elcr_addr_ = 0;
    std::uint8_t elcr_mask_ = 0xff;
    bool master_ = false;
    std::uint64_t counts_[8] = {};
};

constexpr PropertyInfo I8259::kProperties[] = {
    property<&I8259::iobase_>(
        {.name = "iobase", .summary = "its two ports", .maximum = 0xffff, .required = true}),
    property<&I8259::elcr_addr_>({.name = "elcr_addr",
                                  .summary = "the port of its edge/level register",
                                  .maximum = 0xffff,
                                  .required = true}),
    property<&I8259::elcr_mask_>({.name = "elcr_mask",
                                  .summary = "the bits of that register that can be set",
                                  .default_text = "0xff"}),
    property<&I8259::master_>(
        {.name = "master", .summary = "has the slave on input 2", .default_text = "off"}),
    property<&I8259::cascade_>({.name = "cascade", .summary = "the slave of a master"}),
};

constexpr InterfaceInfo kInterfaces[] = {offers<I8259, Device>(), offers<I8259, x86::InterruptAcknowledge>(),
                                         offers<I8259, InterruptControllerText>(),
                                         offers<I8259, InterruptCounts>()};

constexpr RegionInfo kRegions[] = {
    {.name = "registers", .summary = "commands and mask", .size = 2},
    {.name = "elcr", .summary = "which requests are level-triggered", .size = 1},
};
constexpr WireInfo kWires[] = {
    {.name = "", .summary = "INT"},
    {.name = "", .direction = WireDirection::Input, .summary = "IR0 to IR7", .count = 8},
};

constexpr TypeInfo kTypes[] = {
    device_type<I8259>({
        .name = "isa-i8259",
        .summary = "8259A interrupt controller",
        .bus = "isa",
        .category = "Misc",
        .interfaces = kInterfaces,
        .properties = I8259::kProperties,
        .regions = kRegions,
        .wires = kWires,
    }),
};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("i8259", "1.0", "Backplane", backplane::kTypes)
