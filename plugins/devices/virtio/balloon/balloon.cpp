#include "balloon.h"

#include <backplane/plugin.h>

#include <algorithm>

namespace backplane::virtio {

namespace {

constexpr std::uint64_t kStatsVq = 1u << 1, kDeflateOnOom = 1u << 2;  // §5.5.3
enum Queues : unsigned { kInflate, kDeflate, kStats };
constexpr std::uint16_t kQueueSize = 128;
constexpr std::size_t kNumPagesAt = 0, kActualAt = 4, kConfigSize = 8;  // §5.5.4
constexpr std::uint64_t kSecond = 1'000'000'000;

/// §5.5.6.4; the names are the ones that management tools know.
constexpr const char* kStatisticNames[] = {
    "stat-swap-in",      "stat-swap-out",     "stat-major-faults",     "stat-minor-faults",
    "stat-free-memory",  "stat-total-memory", "stat-available-memory", "stat-disk-caches",
    "stat-htlb-pgalloc", "stat-htlb-pgfail",
};

#pragma pack(push, 1)
struct Statistic {
    std::uint16_t tag;
    std::uint64_t value;
};
#pragma pack(pop)

}  // namespace

Balloon::Balloon(Object& object) : context_(device_context(object)), virtio_(*query<VirtioDevice>(object)) {
    virtio_.set_function(*this, virtio_id::kBalloon);
    StateTable& state = context_.state();
    describe(state, "num_pages", target_pages_, 0, false);
    describe(state, "actual", actual_pages_, 0, false);
    describe(state, "statistics", statistics_, 0, false);
    describe(state, "updated", updated_ns_, 0, false);
}

bool Balloon::realize(Errors& errors) {
    virtio_.offer_features(kStatsVq | (deflate_on_oom_ ? kDeflateOnOom : 0));
    constexpr std::uint16_t sizes[] = {kQueueSize, kQueueSize, kQueueSize};
    if (!virtio_.create_queues(sizes, errors)) return false;
    config_ = virtio_.create_config(kConfigSize);
    poll_timer_.create(context_.clock());
    describe_timer(context_.state(), "poll", poll_timer_);
    device_reset();
    return true;
}

bool Balloon::after_load(Errors&) {
    fill_config();
    return true;
}

void Balloon::device_reset() {
    actual_pages_ = 0;
    std::fill(std::begin(statistics_), std::end(statistics_), ~std::uint64_t{0});
    updated_ns_ = 0;
    poll_timer_.cancel();
    fill_config();
}

void Balloon::fill_config() {
    store(config_, kNumPagesAt, target_pages_);
    store(config_, kActualAt, actual_pages_);
}

void Balloon::config_written(MutableBytes config, std::uint64_t, std::uint64_t) {
    actual_pages_ = load<std::uint32_t>({config.data, config.size}, kActualAt);
    fill_config();
}

void Balloon::queue_notified(VirtioQueue& queue) {
    if (queue.index() == kStats) read_statistics(queue);
    else take_pages(queue);
}

/// The page numbers of what was given up or is taken back (§5.5.6): nothing is to be done for them here.
void Balloon::take_pages(VirtioQueue& queue) {
    while (VirtioChain* chain = queue.take()) chain->complete(0);
    queue.interrupt();
}

/// §5.5.6.3: the driver keeps one buffer in the queue; returning it asks for new numbers.
void Balloon::read_statistics(VirtioQueue& queue) {
    VirtioChain* chain = queue.take();
    if (!chain) return;
    Statistic numbers[2 * kStatistics];
    const std::size_t bytes = chain->read(0, {reinterpret_cast<std::uint8_t*>(numbers), sizeof numbers});
    chain->give_back();
    for (std::size_t i = 0; i < bytes / sizeof(Statistic); ++i)
        if (numbers[i].tag < kStatistics) statistics_[numbers[i].tag] = numbers[i].value;
    updated_ns_ = context_.clock().now_ns();
    arm_poll();
}

void Balloon::arm_poll() {
    if (interval_s_ > 0 && virtio_.driver_ok() && virtio_.has(kStatsVq))
        poll_timer_.arm(context_.clock().now_ns() + std::uint64_t(interval_s_) * kSecond);
    else poll_timer_.cancel();
}

void Balloon::poll() {
    VirtioQueue& queue = virtio_.queue(kStats);
    VirtioChain* chain = queue.take();
    if (!chain) return arm_poll();
    chain->complete(0);
    queue.interrupt();
    // The ring is dry now: looking at it once more asks the driver to notify of the next buffer.
    if (VirtioChain* next = queue.take()) {
        next->give_back();
        read_statistics(queue);
    }
}

void Balloon::set_target(std::uint32_t pages) {
    target_pages_ = pages;
    if (!config_.size) return;
    fill_config();
    virtio_.config_changed();
}

void Balloon::set_interval(std::int64_t seconds) {
    interval_s_ = std::max<std::int64_t>(seconds, 0);
    if (config_.size) arm_poll();
}

std::string Balloon::statistics_text() const {
    std::string text = "{\"stats\": {";
    for (std::size_t i = 0; i < kStatistics; ++i) {
        if (i) text += ", ";
        text += std::string("\"") + kStatisticNames[i] + "\": " + std::to_string(statistics_[i]);
    }
    return text + "}, \"last-update\": " + std::to_string(updated_ns_ / kSecond) + "}";
}

bool Balloon::set_target_property(void* part, const PropertyValue& value, Errors&) {
    static_cast<Balloon*>(part)->set_target(std::uint32_t(value.number));
    return true;
}
void Balloon::get_target_property(const void* part, PropertyValue& value) {
    value.number = static_cast<const Balloon*>(part)->target_pages_;
}
void Balloon::get_actual_property(const void* part, PropertyValue& value) {
    value.number = static_cast<const Balloon*>(part)->actual_pages_;
}
bool Balloon::set_interval_property(void* part, const PropertyValue& value, Errors& errors) {
    if (value.integer < 0) {
        errors.fail("a number of seconds is 0 or more");
        return false;
    }
    static_cast<Balloon*>(part)->set_interval(value.integer);
    return true;
}
void Balloon::get_interval_property(const void* part, PropertyValue& value) {
    value.integer = static_cast<const Balloon*>(part)->interval_s_;
}
void Balloon::get_statistics_property(const void* part, PropertyValue& value) {
    const auto& balloon = *static_cast<const Balloon*>(part);
    balloon.text_ = balloon.statistics_text();
    value.text = balloon.text_;
}

namespace {

using enum VirtioPciInterface;
constexpr VirtioPciClass kPci{.backend = "virtio-balloon-device", .class_code = 0x00ff00, .vectors = 2};
constexpr VirtioPciClass kTransitional{
    .backend = "virtio-balloon-device", .class_code = 0x00ff00, .vectors = 2, .interface = Transitional};
constexpr VirtioPciClass kModern{
    .backend = "virtio-balloon-device", .class_code = 0x00ff00, .vectors = 2, .interface = ModernOnly};

constexpr HistoryRow kPciHistory[] = {{"2.6", "disable-modern", "on"}, {"9.2", "vectors", "0"}};
constexpr HistoryRow kVariantHistory[] = {{"9.2", "vectors", "0"}};

constexpr TypeInfo kTypes[] = {
    virtio_device_type<Balloon>({.name = "virtio-balloon-device",
                                 .summary = "Virtio memory balloon",
                                 .category = "Misc",
                                 .properties = Balloon::kProperties}),
    virtio_pci_type(kPci, {.name = "virtio-balloon-pci",
                           .summary = "Virtio memory balloon on PCI",
                           .aliases = "virtio-balloon",
                           .category = "Misc",
                           .history = kPciHistory}),
    virtio_pci_type(kTransitional, {.name = "virtio-balloon-pci-transitional",
                                    .summary = "Virtio memory balloon on PCI, for legacy drivers too",
                                    .category = "Misc",
                                    .history = kVariantHistory}),
    virtio_pci_type(kModern, {.name = "virtio-balloon-pci-non-transitional",
                              .summary = "Virtio memory balloon on PCI, for modern drivers",
                              .category = "Misc",
                              .history = kVariantHistory}),
};
BACKPLANE_PLUGIN("virtio-balloon", "1.0", "Backplane", kTypes)

}  // namespace

}  // namespace backplane::virtio
