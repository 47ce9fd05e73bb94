// What users say of a disk, whatever it is behind: its blocks, its cache, and what becomes of the host's errors.
//
// A device derives from DiskSettings, has disk_settings<Device>() among its properties, calls settle_disk() when it is
// realized, and asks takes() in its requests' done():
//
//   void done(BlockStatus status) override {
//       if (!device_.takes(*this, status)) return;   // it is asked for once more, when the machine goes on
//       …
//   }
//   while (busy_) with DiskSettings::Draining in scope, where it waits for its requests.
//
// Thread, for everything here: main, or holding the machine lock.
#pragma once

#include <backplane/block.h>
#include <backplane/device.h>
#include <backplane/disk_failures.h>
#include <backplane/property.h>
#include <backplane/text.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <utility>
#include <vector>

namespace backplane {

/// Local.
class DiskSettings : DiskRetry {
  public:
    /// Default: Auto.
    enum class Cache : std::uint32_t { Auto, On, Off };

    /// 0: the node's; settle_disk() makes them what they are.
    std::uint32_t logical_block_size_ = 0, physical_block_size_ = 0;
    std::uint32_t min_io_size_ = 0, opt_io_size_ = 0;  ///< bytes; 0: nothing is known
    Cache write_cache_ = Cache::Auto;
    DiskErrorPolicy read_errors_ = DiskErrorPolicy::Auto, write_errors_ = DiskErrorPolicy::Auto;

    bool refuse_sharing(bool shared, Errors& errors) {
        if (shared) errors.fail("a block node has one device that uses it; leave it out, or say off");
        return !shared;
    }
    bool share_rw_ = false;

    /// Of one that a request of this disk failed in: false, and it is kept to be asked for once more; else what the guest
    /// is to be told.
    bool takes(BlockRequest& request, BlockStatus& status) {
        const bool of_host = status == BlockStatus::IoError || status == BlockStatus::NoSpace;
        if (!of_host || draining_ != 0 || !host_) return true;
        const bool writing = request.transfer().operation != BlockOperation::Read;
        const DiskErrorPolicy what = policy(writing, status == BlockStatus::NoSpace);
        DiskFailure failure;
        failure.writing = writing;
        failure.no_space = status == BlockStatus::NoSpace;
        failure.done = what;
        host_->failed(*disk_, failure);
        if (what == DiskErrorPolicy::Ignore) status = BlockStatus::Ok;
        if (what != DiskErrorPolicy::Stop) return true;
        kept_.push_back({&request, node_});
        host_->await(*disk_, *this);
        return false;
    }

    /// While it lives no request is kept: those that are get their last chance at its start.
    class Draining {
      public:
        explicit Draining(DiskSettings& disk) : disk_(disk) {
            ++disk_.draining_;
            disk_.retry();
        }
        Draining(const Draining&) = delete;
        Draining& operator=(const Draining&) = delete;
        ~Draining() { --disk_.draining_; }

      private:
        DiskSettings& disk_;
    };

  protected:
    DiskSettings() = default;
    DiskSettings(const DiskSettings&) = delete;
    DiskSettings& operator=(const DiskSettings&) = delete;
    ~DiskSettings() {
        if (host_) host_->forget(*this);
    }

    /// Looks at the sizes and fills in those that were not given. `node` null: there is no medium yet.
    bool settle_disk(DeviceContext& context, BlockBackend* node, Errors& errors) {
        disk_ = &context.object();
        host_ = static_cast<DiskFailures*>(context.host_interface(DiskFailures::kId));
        choice_ = static_cast<DiskErrorChoice*>(context.host_interface(DiskErrorChoice::kId));
        node_ = node;
        const auto no_size = [](std::uint32_t size) {
            return size != 0 && (!std::has_single_bit(size) || size < 512 || size > (2u << 20));
        };
        const std::uint32_t logical = logical_block_size_ ? logical_block_size_
                                      : node              ? std::max(512u, node->logical_block_size())
                                                          : 512u;
        const std::uint32_t physical = physical_block_size_ ? physical_block_size_ : std::max(512u, logical);
        if (no_size(logical_block_size_) || no_size(physical_block_size_))
            errors.fail(
                "logical_block_size and physical_block_size must be powers of two between 512 B and 2 MiB");
        else if (physical < logical) errors.fail("logical_block_size > physical_block_size not supported");
        else if (min_io_size_ % logical != 0)
            errors.fail("min_io_size must be a multiple of logical_block_size");
        else if (opt_io_size_ % logical != 0)
            errors.fail("opt_io_size must be a multiple of logical_block_size");
        else {
            logical_block_size_ = logical;
            physical_block_size_ = physical;
            return true;
        }
        return false;
    }
    /// Another medium.
    void set_disk_node(BlockBackend* node) { node_ = node; }
    bool caches_writes(const BlockBackend& node) const {
        return write_cache_ == Cache::Auto ? node.write_cache() : write_cache_ == Cache::On;
    }
    /// The exponent of how many logical blocks a physical one has.
    unsigned blocks_exponent() const {
        return unsigned(std::countr_zero(physical_block_size_ / logical_block_size_));
    }

  private:
    struct Kept {
        BlockRequest* request;
        BlockBackend* node;
    };

    DiskErrorPolicy policy(bool writing, bool no_space) const {
        DiskErrorPolicy wanted = writing ? write_errors_ : read_errors_;
        if (wanted == DiskErrorPolicy::Auto && choice_) wanted = choice_->of_drive(*disk_, writing);
        if (wanted == DiskErrorPolicy::Auto)
            wanted = writing ? DiskErrorPolicy::Enospc : DiskErrorPolicy::Report;
        if (wanted != DiskErrorPolicy::Enospc) return wanted;
        return no_space ? DiskErrorPolicy::Stop : DiskErrorPolicy::Report;
    }
    void retry() override {
        for (const Kept& kept : std::exchange(kept_, {})) kept.node->submit(*kept.request);
    }

    Object* disk_ = nullptr;
    DiskFailures* host_ = nullptr;
    DiskErrorChoice* choice_ = nullptr;  ///< null: the host has none
    BlockBackend* node_ = nullptr;
    std::vector<Kept> kept_;
    unsigned draining_ = 0;
};

namespace detail {

/// `row` of a member of DiskSettings, whatever else the part of `Device` is.
template <class Device, auto Member, auto Check = nullptr>
constexpr PropertyInfo disk_row(PropertyInfo row) {
    using Stored = typename MemberOf<Member>::Value;
    row.set = [](void* part, const PropertyValue& value, Errors& errors) {
        DiskSettings& disk = *static_cast<Device*>(part);
        if constexpr (std::is_same_v<Stored, bool>) {
            if (!(disk.*Check)(value.boolean, errors)) return false;
            disk.*Member = value.boolean;
        } else {
            disk.*Member = Stored(value.number);
        }
        return true;
    };
    row.get = [](const void* part, PropertyValue& value) {
        const DiskSettings& disk = *static_cast<const Device*>(part);
        if constexpr (std::is_same_v<Stored, bool>) value.boolean = disk.*Member;
        else value.number = std::uint64_t(disk.*Member);
    };
    return row;
}

template <class Device, auto Member>
constexpr PropertyInfo disk_size(const char* name, const char* summary) {
    PropertyInfo row{.name = name, .summary = summary, .default_text = "0", .maximum = 0xffffffff};
    row.kind = PropertyKind::Size;
    return disk_row<Device, Member>(row);
}

template <class Device, auto Member>
constexpr PropertyInfo disk_choice(const char* name, const char* summary, const char* choices) {
    PropertyInfo row{.name = name, .summary = summary, .default_text = "auto", .choices = choices};
    row.kind = PropertyKind::Enum;
    return disk_row<Device, Member>(row);
}

}  // namespace detail

/// The properties of a disk that derives from DiskSettings.
template <class Device>
constexpr auto disk_settings() {
    using namespace detail;
    PropertyInfo shared{.name = "share-rw",
                        .summary = "others may write to it; only off is supported",
                        .default_text = "off"};
    shared.kind = PropertyKind::Bool;
    return std::array{
        disk_size<Device, &DiskSettings::logical_block_size_>(
            "logical_block_size", "bytes of a sector, a power of two from 512; 0: the drive's"),
        disk_size<Device, &DiskSettings::physical_block_size_>(
            "physical_block_size", "bytes, a power of two from 512; 0: the logical size"),
        disk_size<Device, &DiskSettings::min_io_size_>("min_io_size", "smallest good transfer in bytes"),
        disk_size<Device, &DiskSettings::opt_io_size_>("opt_io_size", "best transfer in bytes"),
        disk_choice<Device, &DiskSettings::write_cache_>(
            "write-cache", "does the guest see a volatile write cache", "auto|on|off"),
        disk_row<Device, &DiskSettings::share_rw_, &DiskSettings::refuse_sharing>(shared),
        disk_choice<Device, &DiskSettings::read_errors_>(
            "rerror", "what becomes of reads that the host cannot do", "report|ignore|enospc|stop|auto"),
        disk_choice<Device, &DiskSettings::write_errors_>(
            "werror", "what becomes of writes that the host cannot do; auto: enospc",
            "report|ignore|enospc|stop|auto"),
    };
}

/// The same ahead of a device's own rows.
template <class Device, std::size_t Count>
constexpr auto with_disk_settings(const std::array<PropertyInfo, Count>& own) {
    constexpr auto kShared = disk_settings<Device>();
    std::array<PropertyInfo, kShared.size() + Count> all{};
    std::ranges::copy(kShared, all.begin());
    std::ranges::copy(own, all.begin() + kShared.size());
    return all;
}

}  // namespace backplane
