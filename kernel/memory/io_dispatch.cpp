#include "kernel/memory/io_dispatch.h"

#include <backplane/log.h>

#include <algorithm>
#include <bit>

namespace backplane::kernel {

namespace {

/// How many handlers of one device may be nested through the DMA of others, where no lock forbids it.
constexpr unsigned kMaximumNesting = 256;

std::uint64_t mask_of(unsigned size) { return ~std::uint64_t(0) >> (64 - 8 * size); }

std::uint64_t byte_swapped(std::uint64_t value, unsigned size) {
    return __builtin_bswap64(value) >> (64 - 8 * size);
}

void log_refusal(MapCore& core, const Region& region, std::uint64_t offset, unsigned size, const char* why) {
    if (!core.log().enabled("guest_errors")) return;
    const std::string name(region.name());
    char place[64];
    std::snprintf(place, sizeof place, "%u bytes at offset 0x%llx", size,
                  static_cast<unsigned long long>(offset));
    core.log().guest_error(name + ": " + why, name + ": access of " + place + " refused: " + why);
}

Wide last_byte(const IoTraits& traits, std::uint64_t offset, unsigned size) {
    const Wide last = Wide(offset) + size - 1;
    return size < traits.implemented_min ? last | (traits.implemented_min - 1u) : last;
}

bool accepted(MapCore& core, const Region& region, std::uint64_t offset, unsigned size) {
    const IoTraits& traits = region.traits();
    const char* why = nullptr;
    if (size < traits.minimum || size > traits.maximum) why = "it does not take that size";
    else if (!traits.unaligned && offset % size != 0) why = "it is not aligned";
    else if (last_byte(traits, offset, size) >= region.wide_size()) why = "it passes the end";
    if (why) log_refusal(core, region, offset, size, why);
    return !why;
}

/// What came of an access.
enum class Outcome : std::uint8_t {
    Done,
    Refused,
    Threw,  ///< the device is broken from here on
};

template <class Counter>
class Counted {
  public:
    explicit Counted(Counter& counter) : counter_(counter) { ++counter_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --counter_; }

  private:
    Counter& counter_;
};

/// Within a handler of what the device's code threw.
[[gnu::cold, gnu::noinline]] Outcome threw(const Region& region, const char* call, std::uint64_t offset,
                                           unsigned size) {
    char place[64];
    std::snprintf(place, sizeof place, " of %u bytes at offset 0x%llx of region '", size,
                  static_cast<unsigned long long>(offset));
    region.owner().callee->fail(call + (place + std::string(region.name())) + "'");
    return Outcome::Threw;
}

/// The handler's call, past which no exception of a device goes.
template <class Body>
[[gnu::always_inline]] inline Outcome call_handler(const Region& region, const char* call,
                                                   std::uint64_t offset, unsigned size, IoHandler& handler,
                                                   const Body& body) {
    Callee* const callee = region.owner().callee;
    const CurrentCall now(callee, call);
    try {
        body(handler);
        return Outcome::Done;
    } catch (...) {
        if (!callee) throw;
        return threw(region, call, offset, size);
    }
}

[[gnu::cold, gnu::noinline]] Outcome refuse_reentry(MapCore& core, const Region& region, Master master) {
    if (!core.log().enabled("guest_errors")) return Outcome::Refused;
    const std::string name(region.name());
    core.log().guest_error(name + ": re-entry", name + ": DMA of '" + master->name + "' would re-enter '" +
                                                    region.owner().name + "': refused");
    return Outcome::Refused;
}

/// Runs `body(handler)` unless the device is gone, or the access comes from a DMA that the device itself is in.
template <class Body>
[[gnu::always_inline]] inline Outcome with_handler(MapCore& core, Region& region, const char* call,
                                                   std::uint64_t offset, unsigned size, Master master,
                                                   const Body& body) {
    OwnerRecord& owner = region.owner();
    const auto reenters = [&](bool busy) { return master && (master == &owner || busy); };
    if (region.traits().lock_free) {
        const Region::HandlerUse handler(region);
        if (!handler) return Outcome::Refused;
        if (reenters(owner.running_lock_free > kMaximumNesting)) return refuse_reentry(core, region, master);
        const Counted running(owner.running_lock_free);
        return call_handler(region, call, offset, size, *handler.operator->(), body);
    }
    const std::lock_guard guard(core.lock());
    IoHandler* handler = region.handler();
    if (!handler) return Outcome::Refused;
    if (reenters(owner.running != 0)) return refuse_reentry(core, region, master);
    const Counted running(owner.running);
    return call_handler(region, call, offset, size, *handler, body);
}

/// One access that the handler gets, and which bytes of it (`count` from bit `lane`) are which of the whole value
/// (from bit `place`).
struct Part {
    std::uint64_t offset;
    unsigned width;
    unsigned count;
    unsigned lane;
    unsigned place;
};

template <class Visit>
void for_each_part(const IoTraits& traits, std::uint64_t offset, unsigned size, const Visit& visit) {
    const bool big = traits.endian == Endian::Big;
    const unsigned word = std::clamp<unsigned>(size, traits.implemented_min, traits.implemented_max);
    for (unsigned at = 0, count = 0; at < size; at += count) {
        const unsigned lane = word > size ? unsigned((offset + at) % word) : 0;
        count = std::min(size - at, word - lane);
        visit(Part{offset + at - lane, word, count, 8 * (big ? word - count - lane : lane),
                   8 * (big ? size - count - at : at)});
    }
}

}  // namespace

std::uint64_t io_read(MapCore& core, Region& region, std::uint64_t offset, unsigned size, Access& access,
                      Master master) {
    std::uint64_t value = 0;
    const IoTraits& traits = region.traits();
    const auto body = [&](IoHandler& handler) {
        for_each_part(traits, offset, size, [&](const Part& part) {
            const std::uint64_t seen = handler.read(Offset(part.offset), part.width, access);
            value |= (seen >> part.lane & mask_of(part.count)) << part.place;
        });
    };
    Outcome outcome = Outcome::Refused;
    if (accepted(core, region, offset, size))
        outcome = with_handler(core, region, "read()", offset, size, master, body);
    if (outcome == Outcome::Refused) access.fail();
    if (access.failed) return 0;
    if (outcome == Outcome::Threw) return mask_of(size);
    return traits.endian == Endian::Big ? byte_swapped(value, size) : value;
}

void io_write(MapCore& core, Region& region, std::uint64_t offset, std::uint64_t value, unsigned size,
              Access& access, Master master) {
    const IoTraits& traits = region.traits();
    value &= mask_of(size);
    if (traits.endian == Endian::Big) value = byte_swapped(value, size);
    const auto body = [&](IoHandler& handler) {
        for_each_part(traits, offset, size, [&](const Part& part) {
            handler.write(Offset(part.offset), (value >> part.place & mask_of(part.count)) << part.lane,
                          part.width, access);
        });
    };
    if (!accepted(core, region, offset, size) ||
        with_handler(core, region, "write()", offset, size, master, body) == Outcome::Refused)
        access.fail();
}

unsigned io_step(const IoTraits& traits, std::uint64_t offset, std::uint64_t size) {
    unsigned step = std::bit_floor(unsigned(std::min<std::uint64_t>(size, traits.maximum)));
    if (!traits.unaligned)
        while (offset % step != 0) step /= 2;
    return step;
}

}  // namespace backplane::kernel
