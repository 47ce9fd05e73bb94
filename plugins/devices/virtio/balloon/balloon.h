// The memory balloon (VIRTIO 1.2, §5.5): the driver gives pages up (`num-pages` asks how many) and takes them back,
// and reports statistics of its memory.
//
// Not modelled: the host does not take pages that the driver gave up out of use, as devices have no way to that; free
// page hints and reports, page poisoning.
#pragma once

#include <backplane/virtio_device.h>

#include <string>

namespace backplane::virtio {

class Balloon final : public DeviceBase, public VirtioFunctionBase {
  public:
    explicit Balloon(Object& object);

    bool realize(Errors& errors) override;
    void unrealize() override { poll_timer_.cancel(); }
    bool after_load(Errors& errors) override;

    void queue_notified(VirtioQueue& queue) override;
    void config_written(MutableBytes config, std::uint64_t offset, std::uint64_t size) override;
    void device_reset() override;

  private:
    static constexpr std::size_t kStatistics = 10;

    void take_pages(VirtioQueue& queue);
    void read_statistics(VirtioQueue& queue);
    void poll();
    void arm_poll();
    void fill_config();
    void set_target(std::uint32_t pages);
    void set_interval(std::int64_t seconds);
    std::string statistics_text() const;

    static bool set_target_property(void* part, const PropertyValue& value, Errors& errors);
    static void get_target_property(const void* part, PropertyValue& value);
    static void get_actual_property(const void* part, PropertyValue& value);
    static bool set_interval_property(void* part, const PropertyValue& value, Errors& errors);
    static void get_interval_property(const void* part, PropertyValue& value);
    static void get_statistics_property(const void* part, PropertyValue& value);

    DeviceContext& context_;
    VirtioDevice& virtio_;
    MutableBytes config_;
    OwnedTimer<&Balloon::poll> poll_timer_{*this};
    std::uint32_t target_pages_ = 0;  ///< of 4 KiB
    std::uint32_t actual_pages_ = 0;
    std::uint64_t statistics_[kStatistics] = {};
    std::uint64_t updated_ns_ = 0;  ///< when the statistics came, on the virtual clock
    std::int64_t interval_s_ = 0;
    mutable std::string text_;
    bool deflate_on_oom_ = false;

  public:
    static constexpr PropertyInfo kProperties[] = {
        property<&Balloon::deflate_on_oom_>({.name = "deflate-on-oom",
                                             .summary = "Let the guest take pages back when it runs short",
                                             .default_text = "off"}),
        {.name = "num-pages",
         .kind = PropertyKind::UInt,
         .summary = "Pages of 4 KiB that the guest is asked to give up",
         .default_text = "0",
         .maximum = 0xffffffff,
         .settable_when_realized = true,
         .set = set_target_property,
         .get = get_target_property},
        {.name = "actual-pages",
         .kind = PropertyKind::UInt,
         .summary = "Pages of 4 KiB that it has given up",
         .get = get_actual_property},
        {.name = "guest-stats-polling-interval",
         .kind = PropertyKind::Int,
         .summary = "Seconds between requests for statistics; 0: none",
         .default_text = "0",
         .maximum = 0xffffffff,
         .settable_when_realized = true,
         .set = set_interval_property,
         .get = get_interval_property},
        {.name = "guest-stats",
         .kind = PropertyKind::String,
         .summary = "The last statistics, as JSON",
         .get = get_statistics_property},
    };
};

}  // namespace backplane::virtio
