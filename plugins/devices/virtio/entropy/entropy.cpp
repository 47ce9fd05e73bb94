#include "entropy.h"

#include <backplane/plugin.h>

#include <algorithm>

namespace backplane::virtio {

namespace {
constexpr std::uint16_t kQueueSize = 8;
constexpr std::uint64_t kMs = 1'000'000;
/// Of one request; §5.4.6.1 lets a device use less than the whole buffer.
constexpr std::uint64_t kMostBytes = 64u << 10;
constexpr std::uint64_t kSourceRetry = 10 * kMs;  // the source had nothing
}  // namespace

Entropy::Entropy(Object& object) : context_(device_context(object)), virtio_(*query<VirtioDevice>(object)) {
    virtio_.set_function(*this, virtio_id::kEntropy);
    constexpr std::uint16_t kVersion = 1;
    StateTable& state = context_.state();
    state.set_version(kVersion, 0);
    describe(state, "period_end", period_end_);
    describe(state, "left", left_);
    describe_timer(state, "retry", timer_, kVersion);
}

bool Entropy::realize(Errors& errors) {
    if (!rng_) {
        Object& self = context_.object();
        Object* source = self.create_child("rng-builtin", "default-backend", errors);
        if (!source || !self.realize_child(*source, errors) || !self.set_link("rng", source, errors))
            return false;
        if (!rng_) {
            errors.fail("'rng-builtin' gives no random bytes; set property 'rng' to an -object rng-random");
            return false;
        }
    }
    timer_.create(context_.clock());
    return virtio_.create_queues(Slice<const std::uint16_t>(&kQueueSize, 1), errors);
}

std::uint64_t Entropy::allowance() {
    const std::uint64_t now = context_.clock().now_ns();
    if (now >= period_end_) {
        period_end_ = now + period_ms_ * kMs;
        left_ = max_bytes_;
    }
    return left_;
}

void Entropy::retry() { serve(); }

void Entropy::serve() {
    VirtioQueue& queue = virtio_.queue(0);
    while (VirtioChain* chain = queue.take()) {
        std::uint64_t filled = 0;
        std::uint8_t bytes[4096];
        const std::uint64_t wanted = std::min({chain->writable_size(), allowance(), kMostBytes});
        while (filled < wanted) {
            const auto piece = std::size_t(std::min<std::uint64_t>(sizeof bytes, wanted - filled));
            const std::size_t got = std::min(rng_->fill({bytes, piece}), piece);
            chain->write(filled, {bytes, got});
            filled += got;
            if (got < piece) break;
        }
        left_ -= filled;
        if (filled == 0 && chain->writable_size() != 0) {
            chain->give_back();
            timer_.arm(allowance() == 0 ? period_end_ : context_.clock().now_ns() + kSourceRetry);
            break;
        }
        chain->complete(filled);
    }
    queue.interrupt();
}

namespace {

using enum VirtioPciInterface;
constexpr VirtioPciClass kPci{.backend = "virtio-rng-device", .class_code = 0x00ff00};
constexpr VirtioPciClass kTransitional{
    .backend = "virtio-rng-device", .class_code = 0x00ff00, .interface = Transitional};
constexpr VirtioPciClass kModern{
    .backend = "virtio-rng-device", .class_code = 0x00ff00, .interface = ModernOnly};

constexpr HistoryRow kPciHistory[] = {{"2.6", "disable-modern", "on"}, {"7.1", "vectors", "0"}};
constexpr HistoryRow kVariantHistory[] = {{"7.1", "vectors", "0"}};

constexpr TypeInfo kTypes[] = {
    virtio_device_type<Entropy>({.name = "virtio-rng-device",
                                 .summary = "Virtio entropy source",
                                 .category = "Misc",
                                 .properties = Entropy::kProperties}),
    virtio_pci_type(kPci, {.name = "virtio-rng-pci",
                           .summary = "Virtio entropy source on PCI",
                           .aliases = "virtio-rng",
                           .category = "Misc",
                           .history = kPciHistory}),
    virtio_pci_type(kTransitional, {.name = "virtio-rng-pci-transitional",
                                    .summary = "Virtio entropy source on PCI, for legacy drivers too",
                                    .category = "Misc",
                                    .history = kVariantHistory}),
    virtio_pci_type(kModern, {.name = "virtio-rng-pci-non-transitional",
                              .summary = "Virtio entropy source on PCI, for modern drivers",
                              .category = "Misc",
                              .history = kVariantHistory}),
};
BACKPLANE_PLUGIN("virtio-rng", "1.0", "Backplane", kTypes)

}  // namespace

}  // namespace backplane::virtio
