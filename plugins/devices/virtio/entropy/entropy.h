// The entropy device (VIRTIO 1.2, §5.4): fills the driver's buffers with random bytes of the host.
//
// Without `rng` it makes a source of its own ("rng-builtin"), as the field does. `max-bytes` per `period` bounds
// what a guest may draw; what passes it waits for the next period on the virtual clock.
#pragma once

#include <backplane/virtio_device.h>

#include <backplane/rng.h>

namespace backplane::virtio {

class Entropy final : public DeviceBase, public VirtioFunctionBase {
  public:
    explicit Entropy(Object& object);

    bool realize(Errors& errors) override;
    void unrealize() override { timer_.cancel(); }

    void queue_notified(VirtioQueue&) override { serve(); }
    void device_reset() override { timer_.cancel(); }

  private:
    void serve();
    void retry();
    /// How many bytes the guest may have now.
    std::uint64_t allowance();

    DeviceContext& context_;
    VirtioDevice& virtio_;
    OwnedTimer<&Entropy::retry> timer_{*this};
    std::uint64_t period_end_ = 0;  ///< ns of the virtual clock
    std::uint64_t left_ = 0;        ///< bytes that this period still gives

    RngBackend* rng_ = nullptr;
    std::uint64_t max_bytes_ = 0;
    std::uint32_t period_ms_ = 0;

  public:
    static constexpr PropertyInfo kProperties[] = {
        property<&Entropy::rng_>(
            {.name = "rng", .summary = "The source of random bytes; without: one of its own"}),
        property<&Entropy::max_bytes_>({.name = "max-bytes",
                                        .summary = "Most bytes in one period",
                                        .default_text = "9223372036854775807",
                                        .maximum = 0x7fffffffffffffff}),
        property<&Entropy::period_ms_>(
            {.name = "period", .summary = "Length of a period in ms", .default_text = "65536", .minimum = 1}),
    };
};

}  // namespace backplane::virtio
