// Platform-level interrupt controller with the memory map of SiFive's FU540.
//
// Follows "RISC-V Platform-Level Interrupt Controller Specification" 1.0.0. Sources are level-triggered: a gateway
// forwards one request and then waits for its completion (chapter 6). Not modelled: edge-triggered gateways.
#include "redelivery.h"

#include <backplane/device.h>
#include <backplane/plugin.h>
#include <backplane/property.h>

#include <bit>
#include <vector>

namespace backplane {
namespace {

class SifivePlic final : public DeviceBase, public IoHandler {
  public:
    static constexpr std::uint32_t kMostSources = 1023;
    static constexpr std::size_t kMostContexts = 15872;
    static const PropertyInfo kProperties[];

    explicit SifivePlic(Object& object) : context_(device_context(object)) {}
    void unrealize() override { pause_.cancel(); }

    bool realize(Errors& errors) override {
        if (!std::has_single_bit(std::uint64_t{num_priorities_} + 1)) {
            errors.fail("num-priorities: must be one less than a power of two");
            return false;
        }
        std::size_t contexts = 0;
        if (!count_contexts(errors, contexts)) return false;
        if (!layout_fits(contexts)) {
            errors.fail("hart-config, num-sources: their registers overlap or pass the end of aperture-size");
            return false;
        }
        const std::size_t words = num_sources_ / 32 + 1;
        priority_.assign(num_sources_ + 1, 0);
        level_.assign(words, 0);
        pending_.assign(words, 0);
        in_service_.assign(words, 0);
        targets_.assign(contexts, 0);
        enable_.assign(contexts * words, 0);
        redelivery_.resize(num_sources_ + 1);
        pause_.create(context_.clock());
        describe_state();
        context_.add_inputs("", num_sources_ + 1, inputs_);
        context_.add_outputs("", unsigned(contexts));
        for (std::size_t i = 0; i < contexts; ++i) outputs_.push_back(context_.wire_at("", unsigned(i)));
        context_.export_region(
            "registers",
            context_.memory().io("riscv.sifive.plic", aperture_size_, *this,
                                 {.minimum = 4, .maximum = 4, .implemented_min = 4, .implemented_max = 4}));
        return true;
    }

    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Enter) pause_.cancel();
        // What is still raised when all chips have let go is a request anew.
        if (phase == ResetPhase::Exit) pending_ = level_;
        if (phase == ResetPhase::Hold || phase == ResetPhase::Exit) update();
    }
    bool after_load(Errors& errors) override {
        for (const auto* bitmap : {&pending_, &in_service_, &enable_, &level_})
            if (!plausible(*bitmap)) {
                errors.fail("a bit is set for a source that does not exist");
                return false;
            }
        update();
        return true;
    }

    std::uint64_t read(Offset offset, unsigned, Access& access) override {
        const Place place = locate(offset.value);
        switch (place.area) {
        case Area::Priority: return priority_[place.index];
        case Area::Pending: return pending_[place.index];
        case Area::Enable: return enable_[place.context * words() + place.index];
        case Area::Threshold: return targets_[place.context];
        case Area::Claim: return access.debug() ? best(place.context, 0) : claim(place.context);
        case Area::None: break;
        }
        context_.log().guest_error("read", "read of no register");
        return 0;
    }

    void write(Offset offset, std::uint64_t value, unsigned, Access& access) override {
        if (access.debug()) return;
        const Place place = locate(offset.value);
        const std::uint32_t word = std::uint32_t(value);
        switch (place.area) {
        case Area::Priority: priority_[place.index] = word & num_priorities_; break;
        case Area::Enable:
            enable_[place.context * words() + place.index] = word & sources_in(place.index);
            break;
        case Area::Threshold: targets_[place.context] = word & num_priorities_; break;
        case Area::Claim: complete(place.context, word); break;
        case Area::Pending:
        case Area::None:
            context_.log().guest_error("write", "write to no register, or to a read-only one");
            return;
        }
        update();
    }

  private:
    enum class Area { None, Priority, Pending, Enable, Threshold, Claim };
    struct Place {
        Area area = Area::None;
        std::size_t context = 0;
        std::size_t index = 0;  ///< the source, or the word of 32 sources
    };

    std::size_t words() const { return pending_.size(); }
    static std::uint32_t bit(std::uint32_t source) { return 1u << source % 32; }
    /// The bits of a word that stand for sources; 0 is none.
    std::uint32_t sources_in(std::size_t word) const {
        std::uint32_t mask = word == 0 ? ~1u : ~0u;
        if (word == num_sources_ / 32) mask &= ~0u >> (31 - num_sources_ % 32);
        return mask;
    }

    bool count_contexts(Errors& errors, std::size_t& contexts) const {
        contexts = 0;
        char last = ',';
        for (const char c : hart_config_) {
            if (c == 'M' || c == 'S') ++contexts;
            else if (c != ',' || last == ',') break;
            last = c;
            if (contexts > kMostContexts) break;
        }
        std::size_t letters = 0;
        for (const char c : hart_config_) letters += c != ',';
        if (contexts == 0 || contexts != letters || last == ',' || contexts > kMostContexts) {
            errors.fail("hart-config: \"" + hart_config_ +
                        "\" is not a list of M, S or MS, one for each hart");
            return false;
        }
        return true;
    }

    bool layout_fits(std::size_t contexts) const {
        const std::uint64_t bitmap = 4 * (std::uint64_t{num_sources_} / 32 + 1);
        const std::uint64_t enable_end = enable_base_ + contexts * std::uint64_t{enable_stride_};
        return priority_base_ + 4 * std::uint64_t{num_sources_} <= pending_base_ &&
               pending_base_ + bitmap <= enable_base_ && bitmap <= enable_stride_ &&
               enable_end <= context_base_ &&
               context_base_ + contexts * std::uint64_t{context_stride_} <= aperture_size_;
    }

    void describe_state() {
        StateTable& state = context_.state();
        describe_array(state, "priority", priority_, {.maximum = num_priorities_});
        describe_array(state, "pending", pending_);
        describe_array(state, "in_service", in_service_);
        describe_array(state, "threshold", targets_, {.maximum = num_priorities_});
        describe_array(state, "enable", enable_);
        // The levels are those of the wires: they outlive a reset of this chip alone.
        describe_array(state, "level", level_, {.reset = false});
        constexpr std::uint16_t kVersion = 1;
        state.set_version(kVersion, 0);
        redelivery_.describe_state(state, kVersion);
        describe_timer(state, "pause", pause_, kVersion);
    }
    /// A bitmap of sources that exist.
    bool plausible(const std::vector<std::uint32_t>& bitmap) const {
        for (std::size_t i = 0; i < bitmap.size(); ++i)
            if (bitmap[i] & ~sources_in(i % words())) return false;
        return true;
    }

    Place locate(std::uint64_t offset) const {
        if (offset >= context_base_) {
            const std::uint64_t within = (offset - context_base_) % context_stride_;
            const std::size_t context = (offset - context_base_) / context_stride_;
            if (context >= targets_.size() || within > 4) return {};
            return {within == 0 ? Area::Threshold : Area::Claim, context, 0};
        }
        if (offset >= enable_base_) {
            const std::size_t context = (offset - enable_base_) / enable_stride_;
            const std::size_t word = (offset - enable_base_) % enable_stride_ / 4;
            if (context >= targets_.size() || word >= words()) return {};
            return {Area::Enable, context, word};
        }
        if (offset >= pending_base_) {
            const std::size_t word = (offset - pending_base_) / 4;
            if (word >= words()) return {};
            return {Area::Pending, 0, word};
        }
        if (offset < priority_base_) return {};
        const std::size_t source = (offset - priority_base_) / 4 + 1;
        if (source > num_sources_) return {};
        return {Area::Priority, 0, source};
    }

    /// The pending, enabled source of the highest priority above `threshold`; of equals the lowest (chapter 7).
    std::uint32_t best(std::size_t context, std::uint32_t threshold) const {
        std::uint32_t found = 0;
        std::uint32_t highest = threshold;
        for (std::size_t word = 0; word < words(); ++word) {
            std::uint32_t candidates = pending_[word] & enable_[context * words() + word];
            for (; candidates != 0; candidates &= candidates - 1) {
                const std::uint32_t source =
                    std::uint32_t(word * 32) + std::uint32_t(std::countr_zero(candidates));
                if (priority_[source] <= highest) continue;
                highest = priority_[source];
                found = source;
            }
        }
        return found;
    }

    /// Chapter 9: the threshold does not matter to a claim.
    std::uint32_t claim(std::size_t context) {
        const std::uint32_t source = best(context, 0);
        if (source == 0) return 0;
        pending_[source / 32] &= ~bit(source);
        in_service_[source / 32] |= bit(source);
        update();
        return source;
    }

    /// Chapter 10: ignored unless the source is enabled for the target.
    void complete(std::size_t context, std::uint32_t source) {
        if (source == 0 || source > num_sources_) return;
        if (!(enable_[context * words() + source / 32] & bit(source))) return;
        in_service_[source / 32] &= ~bit(source);
        if (!(level_[source / 32] & bit(source)) || redelivery_.at_once(source)) return forward(source);
        context_.log().guest_error("completion",
                                   "a source is completed again and again while its line stays raised: what "
                                   "raises it is not cleared at its device; it is held back between times");
        if (!pause_.armed()) pause_.arm(context_.clock().now_ns() + plic::Redelivery::kPause);
    }
    void pause_is_over() {
        redelivery_.release([this](std::uint32_t source) { forward(source); });
        update();
    }

    /// The gateway: a raised level becomes pending unless a request is under way already.
    void forward(std::uint32_t source) {
        if (level_[source / 32] & ~in_service_[source / 32] & bit(source))
            pending_[source / 32] |= bit(source);
    }

    void source_changed(unsigned source, int level) {
        if (source == 0) return;
        redelivery_.line_changed(source);
        if (level) level_[source / 32] |= bit(source);
        else level_[source / 32] &= ~bit(source);
        forward(source);
        if (level) update();
    }

    void update() {
        for (std::size_t context = 0; context < outputs_.size(); ++context)
            outputs_[context]->set(best(context, targets_[context]) != 0);
    }

    DeviceContext& context_;
    InputOf<&SifivePlic::source_changed> inputs_{*this};
    plic::Redelivery redelivery_;
    OwnedTimer<&SifivePlic::pause_is_over> pause_{*this};
    std::vector<Wire*> outputs_;

    std::string hart_config_;
    std::uint32_t num_sources_ = 96;
    std::uint32_t num_priorities_ = 7;
    std::uint32_t priority_base_ = 4;
    std::uint32_t pending_base_ = 0x1000;
    std::uint32_t enable_base_ = 0x2000;
    std::uint32_t enable_stride_ = 0x80;
    std::uint32_t context_base_ = 0x200000;
    std::uint32_t context_stride_ = 0x1000;
    std::uint32_t aperture_size_ = 0x600000;

    std::vector<std::uint32_t> priority_;  ///< by source
    std::vector<std::uint32_t> level_;     ///< bitmaps by source, from here on
    std::vector<std::uint32_t> pending_;
    std::vector<std::uint32_t> in_service_;  ///< claimed and not completed
    std::vector<std::uint32_t> enable_;      ///< by context, then by source
    std::vector<std::uint32_t> targets_;     ///< thresholds by context
};

constexpr PropertyInfo SifivePlic::kProperties[] = {
    property<&SifivePlic::hart_config_>(
        {.name = "hart-config", .summary = "the modes of each hart, as in \"MS,MS\"", .required = true}),
    property<&SifivePlic::num_sources_>({.name = "num-sources",
                                         .summary = "interrupt sources, from 1 up",
                                         .default_text = "96",
                                         .maximum = kMostSources,
                                         .minimum = 1}),
    property<&SifivePlic::num_priorities_>(
        {.name = "num-priorities", .summary = "the greatest priority: 2^n - 1", .default_text = "7"}),
    property<&SifivePlic::priority_base_>(
        {.name = "priority-base", .summary = "offset of source 1's priority", .default_text = "4"}),
    property<&SifivePlic::pending_base_>({.name = "pending-base", .default_text = "4096"}),
    property<&SifivePlic::enable_base_>({.name = "enable-base", .default_text = "8192"}),
    property<&SifivePlic::enable_stride_>({.name = "enable-stride",
                                           .summary = "bytes from one context's to the next",
                                           .default_text = "128",
                                           .minimum = 4}),
    property<&SifivePlic::context_base_>({.name = "context-base", .default_text = "2097152"}),
    property<&SifivePlic::context_stride_>({.name = "context-stride", .default_text = "4096", .minimum = 8}),
    property<&SifivePlic::aperture_size_>(
        {.name = "aperture-size", .summary = "bytes of the whole", .default_text = "6291456"}),
};

constexpr RegionInfo kRegions[] = {{.name = "registers", .summary = "priorities, enables, claims"}};
constexpr WireInfo kWires[] = {
    {.name = "", .direction = WireDirection::Input, .summary = "the sources; number 0 is none", .count = 0},
    {.name = "", .summary = "one for each letter of hart-config", .count = 0}};

constexpr TypeInfo kTypes[] = {
    device_type<SifivePlic>({
        .name = "riscv.sifive.plic",
        .summary = "RISC-V platform-level interrupt controller (SiFive memory map)",
        .category = "Misc",
        .interfaces = kDeviceInterfaces<SifivePlic>,
        .properties = SifivePlic::kProperties,
        .regions = kRegions,
        .wires = kWires,
    }),
};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("sifive-plic", "1.0", "Backplane", backplane::kTypes)
