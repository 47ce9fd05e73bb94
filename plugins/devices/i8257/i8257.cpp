// 8237A DMA controller, of which a PC/AT has two, with the page registers around it.
//
// Follows the "8237A High Performance Programmable DMA Controller" data sheet (Intel 231466-005) and, for the page
// registers and the readable mask, the "82371SB PIIX3" (290550-002, section 3.5.1). Devices are served when the host loop
// comes to it, in blocks of what they have ready, whatever the mode says of single and demand transfers. Not modelled:
// memory to memory, compressed timing, the polarity of DREQ and DACK; the cascade on channel 4 lets through whatever it is
// programmed to.
#include "channel.h"

#include <backplane/device.h>
#include <backplane/plugin.h>
#include <backplane/property.h>

#include <string>

namespace backplane::i8257 {
namespace {

constexpr unsigned kChannels = 4;
constexpr unsigned kCascade = 4;

// Offsets of the control registers
constexpr unsigned kCommandStatus = 0;
constexpr unsigned kRequest = 1;
constexpr unsigned kSingleMask = 2;
constexpr unsigned kMode = 3;
constexpr unsigned kClearFlipFlop = 4;
constexpr unsigned kMasterClear = 5;
constexpr unsigned kClearMask = 6;
constexpr unsigned kAllMask = 7;

constexpr std::uint8_t kMemoryToMemory = 0x01;  // of the command register
constexpr std::uint8_t kDisable = 0x04;
constexpr std::uint8_t kRotate = 0x10;

constexpr std::uint8_t bit(unsigned channel) { return std::uint8_t(1u << channel); }

class I8257 final : public DeviceBase, public IsaDma, public ChannelHost {
  public:
    static const PropertyInfo kProperties[];

    explicit I8257(Object& object) : context_(device_context(object)) {
        StateTable& state = context_.state();
        describe(state, "command", command_);
        describe(state, "terminal_counts", terminal_counts_, {.maximum = 15});
        describe(state, "software_requests", software_requests_, {.maximum = 15});
        describe(state, "mask", mask_, {.reset_value = 15, .maximum = 15});
        describe(state, "flip_flop", flip_flop_);
        describe(state, "first", first_, {.maximum = kChannels - 1});
        // What the devices drive.
        describe(state, "requests", requests_, {.reset = false, .maximum = 15});
        channels_[0].describe(state, kChannels);
        timer_.create(context_.clock());
        describe_timer(state, "run", timer_);
    }

    bool realize(Errors& errors) override {
        for (unsigned i = 0; i < kChannels; ++i) channels_[i].connect(*this, i, dshift_);
        isa_ = static_cast<IsaBus*>(context_.bus(IsaBus::kId));
        const unsigned block = 8u << dshift_;
        if (!add("dma-chan", "dma-chan", block, channel_ports_, base_, errors) ||
            !add("dma-cont", "dma-cont", block, control_ports_, base_ + block, errors) ||
            !add("dma-page", "dma-page", 3, page_ports_, page_base_ + 1, errors) ||
            !add("dma-page-refresh", "dma-page", 1, refresh_page_ports_, page_base_ + 7, errors))
            return false;
        if (pageh_base_ >= 0 &&
            (!add("dma-pageh", "dma-pageh", 3, high_page_ports_, std::uint32_t(pageh_base_) + 1, errors) ||
             !add("dma-pageh-refresh", "dma-pageh", 1, high_refresh_page_ports_,
                  std::uint32_t(pageh_base_) + 7, errors)))
            return false;
        if (isa_ && (cascade_ || !isa_->dma())) isa_->set_dma(this);
        return true;
    }
    void unrealize() override {
        timer_.cancel();
        if (isa_ && isa_->dma() == this) isa_->set_dma(nullptr);
    }

    bool after_load(Errors& errors) override {
        for (const Channel& channel : channels_)
            if (!channel.plausible()) {
                errors.fail("a channel is past the end of its block");
                return false;
            }
        return true;
    }

    IsaDmaChannel* take_channel(unsigned channel, IsaDmaDevice* device, Errors& errors) override {
        const std::string name = "DMA channel " + std::to_string(channel);
        const unsigned first = dshift_ ? kCascade : 0;
        if (channel < first && cascade_) return cascade_->take_channel(channel, device, errors);
        if (channel < first || channel >= first + kChannels || channel == kCascade) {
            errors.fail(
                name +
                (channel == kCascade ? " is the cascade of the others" : " does not exist on this bus") +
                "; use one of 0-3 (bytes) or 5-7 (words)");
            return nullptr;
        }
        Channel& taken = channels_[channel - first];
        if (device && taken.device) {
            errors.fail(name + " is in use by another device; give this one a channel of its own");
            return nullptr;
        }
        taken.device = device;
        if (!device) request_changed(channel - first, 0);
        return &taken;
    }

    void request_changed(unsigned channel, int level) override {
        requests_ = std::uint8_t(level ? requests_ | bit(channel) : requests_ & ~bit(channel));
        run_soon();
    }
    DmaPort& memory() override { return context_.dma(); }

  private:
    /// A group of ports, each a byte wide, that two member functions serve.
    template <auto Read, auto Write, unsigned First = 0>
    class Ports final : public IoHandler {
      public:
        explicit Ports(I8257& owner) : owner_(owner) {}
        std::uint64_t read(Offset offset, unsigned, Access& access) override {
            return (owner_.*Read)(First + unsigned(offset.value), access);
        }
        void write(Offset offset, std::uint64_t value, unsigned, Access& access) override {
            if (!access.debug()) (owner_.*Write)(First + unsigned(offset.value), std::uint8_t(value));
        }

      private:
        I8257& owner_;
    };

    /// `name`: in the map, where the two groups of page registers have the same.
    bool add(const char* exported, const char* name, unsigned size, IoHandler& ports, std::uint32_t port,
             Errors& errors) {
        MemoryRegion& region = context_.memory().io(name, size, ports, kIsaByteRegisters);
        context_.export_region(exported, region);
        return !isa_ || isa_->add_ports(context_.object(), region, Port(port), errors);
    }

    std::uint8_t read_channel(unsigned offset, Access& access) {
        const unsigned index = offset >> dshift_;
        const Channel& channel = channels_[index / 2];
        const std::uint16_t value = index % 2 ? channel.count() : channel.address();
        const bool high = flip_flop_;
        if (!access.debug()) flip_flop_ = !flip_flop_;
        return std::uint8_t(high ? value >> 8 : value);
    }
    void write_channel(unsigned offset, std::uint8_t value) {
        const unsigned index = offset >> dshift_;
        Channel& channel = channels_[index / 2];
        if (index % 2) channel.write_count(value, flip_flop_);
        else channel.write_address(value, flip_flop_);
        flip_flop_ = !flip_flop_;
    }

    std::uint8_t read_control(unsigned offset, Access& access) {
        switch (offset >> dshift_) {
        case kCommandStatus: {
            const auto status = std::uint8_t((requests_ | software_requests_) << 4 | terminal_counts_);
            if (!access.debug()) terminal_counts_ = 0;
            return status;
        }
        case kAllMask: return mask_;
        default:
            return 0;  // the temporary register, of transfers that there are not; the others cannot be read
        }
    }
    void write_control(unsigned offset, std::uint8_t value) {
        const std::uint8_t channel = bit(value & 3);
        const bool set = value & 4;
        switch (offset >> dshift_) {
        case kCommandStatus:
            command_ = value;
            if (value & kMemoryToMemory)
                context_.log().guest_error("memory", "DMA from memory to memory is not there");
            break;
        case kRequest:
            software_requests_ =
                std::uint8_t(set ? software_requests_ | channel : software_requests_ & ~channel);
            break;
        case kSingleMask: mask_ = std::uint8_t(set ? mask_ | channel : mask_ & ~channel); break;
        case kMode: channels_[value & 3].mode = value; break;
        case kClearFlipFlop: flip_flop_ = false; break;
        case kMasterClear:
            command_ = terminal_counts_ = software_requests_ = 0;
            flip_flop_ = false;
            mask_ = 15;
            break;
        case kClearMask: mask_ = 0; break;
        case kAllMask: mask_ = value & 15; break;
        }
        run_soon();
    }

    /// Page registers stand in an order of their own.
    Channel* channel_of_page(unsigned port) {
        constexpr int kOrder[] = {-1, 2, 3, 1, -1, -1, -1, 0};
        return kOrder[port & 7] < 0 ? nullptr : &channels_[kOrder[port & 7]];
    }
    std::uint8_t read_page(unsigned port, Access&) { return channel_of_page(port)->page; }
    void write_page(unsigned port, std::uint8_t value) { channel_of_page(port)->page = value; }
    std::uint8_t read_high_page(unsigned port, Access&) { return channel_of_page(port)->high_page; }
    void write_high_page(unsigned port, std::uint8_t value) { channel_of_page(port)->high_page = value; }

    /// The channels that may run now.
    unsigned ready() const {
        if (command_ & (kDisable | kMemoryToMemory)) return 0;
        unsigned channels = (requests_ & ~unsigned{mask_}) | software_requests_;
        for (unsigned i = 0; i < kChannels; ++i)
            if (!channels_[i].device) channels &= ~unsigned{bit(i)};
        return channels;
    }
    void run_soon() {
        if (ready()) timer_.arm(context_.clock().now_ns());
    }

    /// Serves each channel once, the one of the highest priority first.
    void run() {
        bool moved = false;
        const unsigned first = command_ & kRotate ? first_ : 0;
        for (unsigned i = 0; i < kChannels; ++i) {
            const unsigned number = (first + i) % kChannels;
            if (!(ready() & bit(number))) continue;
            const Channel::Progress progress = channels_[number].transfer();
            moved |= progress != Channel::Progress::None;
            if (progress != Channel::Progress::None) first_ = std::uint8_t((number + 1) % kChannels);
            if (progress == Channel::Progress::TerminalCount) {
                terminal_counts_ |= bit(number);
                software_requests_ &= std::uint8_t(~bit(number));
                if (!(channels_[number].mode & kAutoinitialize)) mask_ |= bit(number);
            }
        }
        // A device that has nothing now asks again when it has.
        if (moved) run_soon();
    }

  public:
    DeviceContext& context_;
    IsaBus* isa_ = nullptr;
    IsaDma* cascade_ = nullptr;
    std::uint32_t base_ = 0;
    std::uint32_t page_base_ = 0x80;
    std::int32_t pageh_base_ = -1;
    std::uint8_t dshift_ = 0;

    Channel channels_[kChannels];
    Ports<&I8257::read_channel, &I8257::write_channel> channel_ports_{*this};
    Ports<&I8257::read_control, &I8257::write_control> control_ports_{*this};
    Ports<&I8257::read_page, &I8257::write_page, 1> page_ports_{*this};
    Ports<&I8257::read_page, &I8257::write_page, 7> refresh_page_ports_{*this};
    Ports<&I8257::read_high_page, &I8257::write_high_page, 1> high_page_ports_{*this};
    Ports<&I8257::read_high_page, &I8257::write_high_page, 7> high_refresh_page_ports_{*this};
    OwnedTimer<&I8257::run> timer_{*this};

    std::uint8_t command_ = 0;
    std::uint8_t terminal_counts_ = 0;
    std::uint8_t requests_ = 0;
    std::uint8_t software_requests_ = 0;
    std::uint8_t mask_ = 15;
    std::uint8_t first_ = 0;  ///< of the highest priority, when that rotates
    bool flip_flop_ = false;
};

constexpr PropertyInfo I8257::kProperties[] = {
    property<&I8257::base_>(
        {.name = "base", .summary = "its 16 registers", .default_text = "0", .maximum = 0xffff}),
    property<&I8257::page_base_>({.name = "page-base",
                                  .summary = "where its eight page registers begin",
                                  .default_text = "0x80",
                                  .maximum = 0xffff}),
    property<&I8257::pageh_base_>({.name = "pageh-base",
                                   .summary = "where those for address bits 24-31 begin; -1: there are none",
                                   .default_text = "-1",
                                   .maximum = 0xffff}),
    property<&I8257::dshift_>({.name = "dshift",
                               .summary = "1: its units are words, its registers two ports apart",
                               .default_text = "0",
                               .maximum = 1}),
    property<&I8257::cascade_>(
        {.name = "cascade", .summary = "of the one with channels 5-7: the one with 0-3"}),
};

constexpr InterfaceInfo kInterfaces[] = {offers<I8257, Device>(), offers<I8257, IsaDma>()};

constexpr RegionInfo kRegions[] = {
    {.name = "dma-chan", .summary = "addresses and counts of the channels"},
    {.name = "dma-cont", .summary = "command, status, request, mask, mode"},
    {.name = "dma-page", .summary = "page registers of three channels", .size = 3},
    {.name = "dma-page-refresh", .summary = "page register of the fourth", .size = 1},
    {.name = "dma-pageh", .summary = "high page registers of three channels", .size = 3, .optional = true},
    {.name = "dma-pageh-refresh", .summary = "high page register of the fourth", .size = 1, .optional = true},
};

constexpr TypeInfo kTypes[] = {
    device_type<I8257>({
        .name = "i8257",
        .summary = "8237A DMA controller",
        .bus = "isa",
        .category = "Misc",
        .interfaces = kInterfaces,
        .properties = I8257::kProperties,
        .regions = kRegions,
    }),
};

}  // namespace
}  // namespace backplane::i8257

BACKPLANE_PLUGIN("i8257", "1.0", "Backplane", backplane::i8257::kTypes)
