#include "kernel/memory/mapped_space.h"

#include <backplane/log.h>

#include <algorithm>
#include <cstring>

namespace backplane::kernel {

namespace {

bool valid_size(unsigned size) { return size == 1 || size == 2 || size == 4 || size == 8; }

template <class T>
std::uint64_t load_host(const std::uint8_t* host) {
    if (reinterpret_cast<std::uintptr_t>(host) % sizeof(T) == 0)
        return __atomic_load_n(reinterpret_cast<const T*>(host), __ATOMIC_RELAXED);
    T value;
    std::memcpy(&value, host, sizeof value);
    return value;
}

template <class T>
void store_host(std::uint8_t* host, std::uint64_t value) {
    const T narrow = T(value);
    if (reinterpret_cast<std::uintptr_t>(host) % sizeof(T) == 0)
        __atomic_store_n(reinterpret_cast<T*>(host), narrow, __ATOMIC_RELAXED);
    else std::memcpy(host, &narrow, sizeof narrow);
}

// Whole when aligned: another CPU sees all of it or nothing.
std::uint64_t load_host(const std::uint8_t* host, unsigned size) {
    switch (size) {
    case 1: return load_host<std::uint8_t>(host);
    case 2: return load_host<std::uint16_t>(host);
    case 4: return load_host<std::uint32_t>(host);
    default: return load_host<std::uint64_t>(host);
    }
}

void store_host(std::uint8_t* host, std::uint64_t value, unsigned size) {
    switch (size) {
    case 1: return store_host<std::uint8_t>(host, value);
    case 2: return store_host<std::uint16_t>(host, value);
    case 4: return store_host<std::uint32_t>(host, value);
    default: return store_host<std::uint64_t>(host, value);
    }
}

/// Is an access of `size` bytes, `delta` bytes into the range, all its own?
bool has_whole(const FlatRange& range, std::uint64_t delta, unsigned size) {
    return (range.block ? range.size : range.reach) - delta >= size;
}

std::uint64_t from_bytes(const std::uint8_t* bytes, unsigned size) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes, size);
    return value;
}

}  // namespace

MappedSpace::MappedSpace(MapCore& core, std::string_view name, Region& root)
    : core_(core),
      name_(name),
      root_(&root),
      holder_(std::make_shared<RenderedView>()),
      current_(holder_.get()) {
    const MapCore::Change change(core_);
    core_.add_space(*this);
    core_.changed(root);
}

MappedSpace::~MappedSpace() {
    const MapCore::Change change(core_);
    core_.remove_space(*this);
    core_.epoch().retire(std::move(holder_));
}

std::shared_ptr<const FlatView> MappedSpace::view() const {
    core_.catch_up();
    const ReadEpoch::Guard guard(core_.epoch());
    const std::shared_ptr<const RenderedView> rendered = current_.load()->shared_from_this();
    return {rendered, &rendered->flat};
}

void MappedSpace::unassigned(std::uint64_t address, const char* what, Access& access) {
    access.fail();
    if (reported_.exchange(true)) return;
    char place[32];
    std::snprintf(place, sizeof place, "0x%llx", static_cast<unsigned long long>(address));
    core_.log().guest_error(name_ + ": unassigned",
                            name_ + ": " + what + " at " + place + ": nothing is there");
}

std::uint64_t MappedSpace::load_range(Master master, const FlatRange& range, std::uint64_t delta,
                                      unsigned size, Access& access) {
    if (range.block) return load_host(range.block->host + range.block_offset + delta, size);
    return io_read(core_, static_cast<Region&>(*range.region), range.offset + delta, size, access, master);
}

void MappedSpace::store_range(Master master, const FlatRange& range, std::uint64_t delta, std::uint64_t value,
                              unsigned size, Access& access) {
    if (range.block && (range.writable || access.debug())) {
        store_host(range.block->host + range.block_offset + delta, value, size);
        RamStorage::of(*range.block).stored(range.block_offset + delta, size);
    } else if (range.handler) {
        io_write(core_, static_cast<Region&>(*range.region), range.offset + delta, value, size, access,
                 master);
    }
    // Read-only memory keeps its bytes; whoever stores to it does not notice.
}

std::uint64_t MappedSpace::load_at(Master master, std::uint64_t address, unsigned size, Access& access) {
    const ReadEpoch::Guard guard(core_.epoch());
    const FlatRange* range = current().find(address);
    if (range && has_whole(*range, address - range->start, size))
        return load_range(master, *range, address - range->start, size, access);
    if (!range || size == 1) {
        unassigned(address, "load", access);
        return 0;
    }
    std::uint64_t value = 0;
    for (unsigned byte = 0; byte < size; ++byte)
        value |= load_at(master, address + byte, 1, access) << (8 * byte);
    return access.failed ? 0 : value;
}

void MappedSpace::store_at(Master master, std::uint64_t address, std::uint64_t value, unsigned size,
                           Access& access) {
    const ReadEpoch::Guard guard(core_.epoch());
    const FlatRange* range = current().find(address);
    if (range && has_whole(*range, address - range->start, size))
        return store_range(master, *range, address - range->start, value, size, access);
    if (!range || size == 1) return unassigned(address, "store", access);
    for (unsigned byte = 0; byte < size; ++byte)
        store_at(master, address + byte, value >> (8 * byte) & 0xff, 1, access);
}

std::uint64_t MappedSpace::load(GuestAddress address, unsigned size, Access& access) {
    if (valid_size(size)) return load_at(nullptr, address.value, size, access);
    access.fail();
    return 0;
}

void MappedSpace::store(GuestAddress address, std::uint64_t value, unsigned size, Access& access) {
    if (valid_size(size)) store_at(nullptr, address.value, value, size, access);
    else access.fail();
}

std::uint64_t MappedSpace::load_io(const FlatRange& range, Offset offset, unsigned size, Access& access) {
    const std::uint64_t delta = offset.value - range.offset;
    if (offset < Offset(range.offset) || delta >= range.size || !valid_size(size)) {
        access.fail();
        return 0;
    }
    if (range.size - delta < size) return load_at(nullptr, range.start + delta, size, access);
    return load_range(nullptr, range, delta, size, access);
}

void MappedSpace::store_io(const FlatRange& range, Offset offset, std::uint64_t value, unsigned size,
                           Access& access) {
    const std::uint64_t delta = offset.value - range.offset;
    if (offset < Offset(range.offset) || delta >= range.size || !valid_size(size)) return access.fail();
    if (range.size - delta < size) return store_at(nullptr, range.start + delta, value, size, access);
    store_range(nullptr, range, delta, value, size, access);
}

/// Calls `piece(range, delta, done, count)` for every run of bytes that one range covers, and `piece(nullptr, …)`
/// for those that none does. False when there was one of the latter, or a piece said false.
template <class Piece>
bool MappedSpace::for_each_piece(std::uint64_t address, std::uint64_t size, Access& access,
                                 const Piece& piece) {
    const ReadEpoch::Guard guard(core_.epoch());
    const std::vector<FlatRange>& ranges = current().ranges;
    bool whole = true;
    for (std::uint64_t done = 0; done < size;) {
        const Wide at = Wide(address) + done;
        std::uint64_t count = size - done;
        const auto next =
            at >= kWholeSpace
                ? ranges.end()
                : std::upper_bound(ranges.begin(), ranges.end(), std::uint64_t(at),
                                   [](std::uint64_t a, const FlatRange& r) { return a < r.start; });
        const FlatRange* range = next == ranges.begin() || at >= kWholeSpace ? nullptr : &*std::prev(next);
        if (range && range->contains(std::uint64_t(at))) {
            const std::uint64_t delta = std::uint64_t(at) - range->start;
            count = std::min(count, range->size - delta);
            whole &= piece(range, delta, done, count);
        } else {
            if (next != ranges.end()) count = std::min(count, next->start - std::uint64_t(at));
            unassigned(std::uint64_t(at), "access", access);
            whole &= piece(nullptr, 0, done, count) && false;
        }
        done += count;
    }
    return whole;
}

bool MappedSpace::read_for(Master master, GuestAddress address, MutableBytes to, Access& access) {
    return for_each_piece(
        address.value, to.size, access,
        [&](const FlatRange* range, std::uint64_t delta, std::uint64_t done, std::uint64_t count) {
            std::uint8_t* target = to.data + done;
            if (!range) {
                std::memset(target, 0, count);
                return false;
            }
            if (range->block) {
                const std::uint8_t* host = range->block->host + range->block_offset + delta;
                if (valid_size(unsigned(std::min<std::uint64_t>(count, 16)))) {
                    const std::uint64_t value = load_host(host, unsigned(count));
                    std::memcpy(target, &value, count);
                } else {
                    std::memcpy(target, host, count);
                }
                return true;
            }
            bool whole = true;
            for (std::uint64_t at = 0; at < count;) {
                const unsigned step = io_step(range->traits, range->offset + delta + at, count - at);
                Access one = access;
                one.failed = false;
                const std::uint64_t value = load_range(master, *range, delta + at, step, one);
                std::memcpy(target + at, &value, step);
                whole &= !one.failed;
                at += step;
            }
            if (!whole) access.fail();
            return whole;
        });
}

bool MappedSpace::write_for(Master master, GuestAddress address, Bytes from, Access& access) {
    return for_each_piece(
        address.value, from.size, access,
        [&](const FlatRange* range, std::uint64_t delta, std::uint64_t done, std::uint64_t count) {
            if (!range) return false;
            const std::uint8_t* source = from.data + done;
            if (range->block && (range->writable || access.debug())) {
                const std::uint64_t offset = range->block_offset + delta;
                if (valid_size(unsigned(std::min<std::uint64_t>(count, 16))))
                    store_host(range->block->host + offset, from_bytes(source, unsigned(count)),
                               unsigned(count));
                else std::memcpy(range->block->host + offset, source, count);
                RamStorage::of(*range->block).stored(offset, count);
                return true;
            }
            bool whole = true;
            for (std::uint64_t at = 0; at < count;) {
                const unsigned step = io_step(range->traits, range->offset + delta + at, count - at);
                Access one = access;
                one.failed = false;
                store_range(master, *range, delta + at, from_bytes(source + at, step), step, one);
                whole &= !one.failed;
                at += step;
            }
            if (!whole) access.fail();
            return whole;
        });
}

bool MappedSpace::read(GuestAddress address, MutableBytes to, Access& access) {
    return read_for(nullptr, address, to, access);
}

bool MappedSpace::write(GuestAddress address, Bytes from, Access& access) {
    return write_for(nullptr, address, from, access);
}

MappedSpace::Window MappedSpace::window(GuestAddress address, std::uint64_t size, bool writable) {
    const ReadEpoch::Guard guard(core_.epoch());
    const FlatRange* range = current().find(address.value);
    if (!range || !range->block || (writable && !range->writable) || size == 0) return {};
    const std::uint64_t delta = address.value - range->start;
    RamStorage& storage = RamStorage::of(*range->block);
    storage.retain();
    return {&storage, range->block->host + range->block_offset + delta, std::min(size, range->size - delta)};
}

void MappedSpace::add_listener(MemoryListener& listener) {
    const std::lock_guard guard(core_.lock());
    core_.catch_up();
    listeners_.push_back(&listener);
    const std::shared_ptr<RenderedView> view = holder_;
    listener.map_changed({*this, view->flat, {}, view->flat.ranges});
}

void MappedSpace::remove_listener(MemoryListener& listener) {
    const std::lock_guard guard(core_.lock());
    std::erase(listeners_, &listener);
}

void MappedSpace::mark_dirty(RamBlock& block, std::uint64_t offset, std::uint64_t size) {
    RamStorage::of(block).mark_dirty(offset, size);
}

void MappedSpace::add_code_listener(CodeListener& listener) { core_.code_listeners().add(listener); }
void MappedSpace::remove_code_listener(CodeListener& listener) { core_.code_listeners().remove(listener); }

void MappedSpace::publish(const std::shared_ptr<RenderedView>& view) {
    const std::shared_ptr<RenderedView> old = holder_;
    const std::vector<FlatRange>& before = old->flat.ranges;
    const std::vector<FlatRange>& after = view->flat.ranges;
    if (std::equal(before.begin(), before.end(), after.begin(), after.end(), same_range)) return;
    holder_ = view;
    current_ = view.get();
    core_.epoch().retire(old);
    const auto has = [](const std::vector<FlatRange>& ranges, const FlatRange& wanted) {
        const auto at = std::partition_point(
            ranges.begin(), ranges.end(), [&](const FlatRange& range) { return range.start < wanted.start; });
        return at != ranges.end() && same_range(*at, wanted);
    };
    std::vector<FlatRange> removed;
    std::vector<FlatRange> added;
    for (const FlatRange& range : before)
        if (!has(after, range)) removed.push_back(range);
    for (const FlatRange& range : after)
        if (!has(before, range)) added.push_back(range);
    // A listener may take itself or another off.
    for (MemoryListener* listener : std::vector(listeners_))
        if (std::find(listeners_.begin(), listeners_.end(), listener) != listeners_.end())
            listener->map_changed({*this, view->flat, removed, added});
}

}  // namespace backplane::kernel
