#include "kernel/memory/memory_map.h"

#include "kernel/memory/map_core.h"
#include "kernel/memory/map_text.h"
#include "kernel/memory/mapped_space.h"

#include <backplane/memory_backend.h>
#include <backplane/object.h>

#include <algorithm>
#include <utility>

namespace backplane::kernel {

namespace {

class Owner final : public MemoryOwner {
  public:
    Owner(MapCore& core, std::string_view name, Callee* callee)
        : core_(core), record_(std::make_shared<OwnerRecord>()) {
        record_->name = name;
        record_->callee = callee;
    }
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    ~Owner() override {
        const MapCore::Change change(core_);
        for (const std::shared_ptr<Region>& region : regions_) {
            region->retire();
            if (region->storage()) core_.forget(*region->storage());
            for (MappedSpace* space : core_.spaces())
                if (space->root() == region.get()) space->forget_root();
        }
        release_backends();
    }

    std::string_view name() const override { return record_->name; }
    std::size_t region_count() const override { return regions_.size(); }
    void silence() override {
        for (const std::shared_ptr<Region>& region : regions_) region->silence();
    }
    void release_backends() override {
        for (MemoryBackend* backend : std::exchange(claimed_, {})) backend->release();
    }
    const std::shared_ptr<OwnerRecord>& share_record() const { return record_; }

    MemoryRegion& container(Str name, std::uint64_t size) override {
        return make(name, size, RegionKind::Container);
    }
    MemoryRegion& io(Str name, std::uint64_t size, IoHandler& handler, const IoTraits& traits) override {
        Region& region = make(name, size, RegionKind::Io);
        region.set_handler(handler, traits);
        return region;
    }
    MemoryRegion& alias(Str name, MemoryRegion& target, Offset offset, std::uint64_t size) override {
        const MapCore::Change change(core_);
        Region& region = make(name, size, RegionKind::Alias);
        region.set_alias(static_cast<Region&>(target), offset.value);
        return region;
    }
    MemoryRegion* ram(Str name, std::uint64_t size, Errors& errors) override {
        return stored(name, size, RegionKind::Ram, errors);
    }
    MemoryRegion* ram_of(Str name, Object& backend, Errors& errors) override {
        auto* memory = query<MemoryBackend>(backend);
        if (!memory) {
            errors.fail("'" + std::string(backend.name().view()) +
                        "' is no memory backend; -object help lists those");
            return nullptr;
        }
        const std::lock_guard guard(core_.lock());
        if (!memory->claim(record_->name, errors)) return nullptr;
        const MemoryDescription description = read_sized(memory->memory());
        RamStorage* storage = core_.allocate(name.view(), description, errors);
        if (!storage) {
            memory->release();
            return nullptr;
        }
        claimed_.push_back(memory);
        storage->set_id(unique_id("ram"));  // whatever backend it comes from
        return &make(name, description.size, RegionKind::Ram, storage);
    }
    MemoryRegion* rom(Str name, std::uint64_t size, Errors& errors) override {
        return stored(name, size, RegionKind::Rom, errors);
    }
    MemoryRegion* rom_device(Str name, std::uint64_t size, IoHandler& handler, const IoTraits& traits,
                             Errors& errors) override {
        Region* region = stored(name, size, RegionKind::RomDevice, errors);
        if (region) region->set_handler(handler, traits);
        return region;
    }

  private:
    Region& make(Str name, std::uint64_t size, RegionKind kind, RamStorage* storage = nullptr) {
        const std::lock_guard guard(core_.lock());
        regions_.push_back(std::make_shared<Region>(core_, record_, name.view(), size, kind, storage));
        return *regions_.back();
    }
    Region* stored(Str name, std::uint64_t size, RegionKind kind, Errors& errors) {
        const std::lock_guard guard(core_.lock());
        RamStorage* storage = core_.allocate(name.view(), size, errors);
        if (!storage) return nullptr;
        storage->set_id(unique_id(name.view()));
        return &make(name, size, kind, storage);
    }
    /// Of a block of this owner: the same whenever the same machine is made.
    std::string unique_id(std::string_view name) const {
        const std::string id = record_->name + ":" + std::string(name);
        const auto taken = [this](const std::string& wanted) {
            return std::ranges::any_of(core_.blocks(), [&](RamStorage* s) { return s->id() == wanted; });
        };
        if (!taken(id)) return id;
        for (unsigned number = 2;; ++number)
            if (const std::string numbered = id + "#" + std::to_string(number); !taken(numbered))
                return numbered;
    }

    MapCore& core_;
    std::shared_ptr<OwnerRecord> record_;
    std::vector<std::shared_ptr<Region>> regions_;
    std::vector<MemoryBackend*> claimed_;
};

class Port final : public MemoryPort {
  public:
    Port(MappedSpace& space, std::shared_ptr<OwnerRecord> device)
        : space_(space), device_(std::move(device)) {}

    void set_requester(std::uint16_t requester) override { requester_ = requester; }
    bool read(GuestAddress address, MutableBytes to) override {
        Access access = dma();
        return space_.read_for(device_.get(), address, to, access);
    }
    bool write(GuestAddress address, Bytes from) override {
        Access access = dma();
        return space_.write_for(device_.get(), address, from, access);
    }
    DmaWindow map(GuestAddress address, std::uint64_t size, bool writable) override {
        const MappedSpace::Window window = space_.window(address, size, writable);
        return {window.data, window.size, window.storage};
    }
    void unmap(const DmaWindow& window, std::uint64_t written) override {
        auto* storage = static_cast<RamStorage*>(window.cookie);
        if (!storage) return;
        const auto* data = static_cast<const std::uint8_t*>(window.data);
        if (written)
            storage->stored(std::uint64_t(data - storage->block().host), std::min(written, window.size));
        storage->release();
    }

  private:
    Access dma() const { return {Intent::Guest, false, requester_}; }

    MappedSpace& space_;
    std::shared_ptr<OwnerRecord> device_;
    std::uint16_t requester_ = 0xffff;
};

template <class Call>
void tell(const MapCore& core, const Call& call) {
    std::vector<std::pair<MappedSpace*, MemoryListener*>> all;
    for (MappedSpace* space : core.spaces())
        for (MemoryListener* listener : space->listeners()) all.emplace_back(space, listener);
    const auto has = [](const auto& list, const auto* wanted) {
        return std::ranges::find(list, wanted) != list.end();
    };
    for (const auto& [space, listener] : all)  // a listener may take itself or another off, or its space
        if (has(core.spaces(), space) && has(space->listeners(), listener)) call(*listener);
}

}  // namespace

MemoryMap::MemoryMap(MachineLock& lock, Log& log) : core_(std::make_unique<MapCore>(lock, log)) {}

MemoryMap::~MemoryMap() {
    while (!core_->spaces().empty()) delete core_->spaces().back();
}

std::unique_ptr<MemoryOwner> MemoryMap::create_owner(std::string_view owner_name, Callee* callee) {
    return std::make_unique<Owner>(*core_, owner_name, callee);
}

AddressSpace& MemoryMap::create_address_space(std::string_view name, MemoryRegion& root) {
    return *new MappedSpace(*core_, name, static_cast<Region&>(root));
}

void MemoryMap::destroy_address_space(AddressSpace& space) { delete static_cast<MappedSpace*>(&space); }

std::unique_ptr<MemoryPort> MemoryMap::create_port(AddressSpace& space, MemoryOwner& device) {
    return std::make_unique<Port>(static_cast<MappedSpace&>(space),
                                  static_cast<Owner&>(device).share_record());
}

void MemoryMap::begin() {
    core_->lock().lock();
    core_->begin();
}

void MemoryMap::commit() {
    core_->commit();
    core_->lock().unlock();
}

std::vector<RamBlock*> MemoryMap::ram_blocks() const {
    std::vector<RamBlock*> blocks;
    for (RamStorage* storage : core_->blocks()) blocks.push_back(&storage->block());
    return blocks;
}

std::vector<NamedBlock> MemoryMap::named_blocks() const {
    std::vector<NamedBlock> blocks;
    for (RamStorage* storage : core_->blocks()) blocks.push_back({storage->id(), storage->block()});
    return blocks;
}

void MemoryMap::set_dirty_log(RamBlock& block, DirtyClient client, bool on) {
    const std::lock_guard guard(core_->lock());
    RamStorage& storage = RamStorage::of(block);
    storage.set_log(client, on);
    tell(*core_, [&](MemoryListener& listener) { listener.dirty_log_changed(block, storage.any_log()); });
    if (on) tell(*core_, [&](MemoryListener& listener) { listener.pages_cleaned(block); });
}

std::vector<std::uint64_t> MemoryMap::take_dirty(RamBlock& block, DirtyClient client) {
    const std::lock_guard guard(core_->lock());
    tell(*core_, [&](MemoryListener& listener) { listener.collect_dirty(block); });
    std::vector<std::uint64_t> dirty = RamStorage::of(block).take_dirty(client);
    if (std::any_of(dirty.begin(), dirty.end(), [](std::uint64_t word) { return word != 0; }))
        tell(*core_, [&](MemoryListener& listener) { listener.pages_cleaned(block); });
    return dirty;
}

std::string MemoryMap::text(const MapTextOptions& options) const {
    const std::lock_guard guard(core_->lock());
    return options.flat ? flat_text(*core_, options) : tree_text(*core_, options);
}

}  // namespace backplane::kernel
