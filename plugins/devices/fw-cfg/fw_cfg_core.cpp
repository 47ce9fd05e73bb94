#include "fw_cfg_core.h"

#include <algorithm>

namespace backplane::fw_cfg {
namespace {

constexpr std::uint16_t kFirstFile = std::uint16_t(FwCfgKey::FileFirst);
constexpr std::uint16_t kArchitecture = std::uint16_t(FwCfgKey::ArchitectureLocal);
constexpr std::uint16_t kWriteBit = 1 << 14;  ///< of a selector; has no meaning any more
constexpr std::size_t kLongestName = 55;

// The DMA control word.
constexpr std::uint64_t kMostWritten = 64u << 20;  // bytes
constexpr std::uint32_t kDmaError = 1 << 0;
constexpr std::uint32_t kDmaRead = 1 << 1;
constexpr std::uint32_t kDmaSkip = 1 << 2;
constexpr std::uint32_t kDmaSelect = 1 << 3;
constexpr std::uint32_t kDmaWrite = 1 << 4;

constexpr std::uint32_t kIdPorts = 1 << 0;
constexpr std::uint32_t kIdDma = 1 << 1;

void put_be(std::vector<std::uint8_t>& bytes, std::uint64_t value, unsigned size) {
    while (size-- > 0) bytes.push_back(std::uint8_t(value >> 8 * size));
}

std::uint64_t get_be(const std::uint8_t* bytes, unsigned size) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i) value = value << 8 | bytes[i];
    return value;
}

}  // namespace

FwCfgCore::FwCfgCore(DeviceContext& context) : context_(context) {
    StateTable& state = context.state().group({.name = "fw_cfg"});
    describe(state, "selector", key_);
    describe(state, "position", position_);
    describe(state, "dma_address", dma_address_);
    describe_bytes<kMostWritten>(state, "written", written_, false);
    items_[std::uint16_t(FwCfgKey::Signature)].contents = {'Q', 'E', 'M', 'U'};
    set_dma(true);
    number_files();
}

void FwCfgCore::set_dma(bool dma) {
    dma_ = dma;
    items_[std::uint16_t(FwCfgKey::Id)].contents = {std::uint8_t(kIdPorts | (dma ? kIdDma : 0)), 0, 0, 0};
}

bool FwCfgCore::set_item(std::uint16_t key, Bytes contents, Errors& errors) {
    const bool own = key == std::uint16_t(FwCfgKey::Signature) || key == std::uint16_t(FwCfgKey::Id) ||
                     key == std::uint16_t(FwCfgKey::FileDirectory);
    if (own || (key >= kFirstFile && key < kArchitecture)) {
        errors.fail("fw_cfg: key " + std::to_string(key) + " is the device's own");
        return false;
    }
    items_[key].contents.assign(contents.begin(), contents.end());
    return true;
}

bool FwCfgCore::set_file(Str name, Bytes contents, Errors& errors) {
    if (name.empty() || name.size > kLongestName) {
        errors.fail("fw_cfg: the file name '" + std::string(name.view()) +
                    "' is empty or longer than 55 bytes");
        return false;
    }
    Entry* entry = find_file(name);
    if (!entry && files_.size() >= slots_) {
        errors.fail("fw_cfg: there is no room for the file '" + std::string(name.view()) + "' beside " +
                    std::to_string(slots_) + " others (x-file-slots)");
        return false;
    }
    if (!entry) entry = &files_[std::string(name.view())];
    entry->contents.assign(contents.begin(), contents.end());
    number_files();
    return true;
}

void FwCfgCore::set_writable(Str name, bool writable) {
    if (Entry* entry = find_file(name)) entry->writable = writable;
}

void FwCfgCore::set_observer(Str name, FwCfgObserver* observer) {
    if (Entry* entry = find_file(name)) entry->observer = observer;
}

Bytes FwCfgCore::file(Str name) const {
    const Entry* entry = find_file(name);
    return entry ? Bytes(entry->contents.data(), entry->contents.size()) : Bytes();
}

Bytes FwCfgCore::item(std::uint16_t key) const {
    const auto found = items_.find(key);
    return found == items_.end() ? Bytes()
                                 : Bytes(found->second.contents.data(), found->second.contents.size());
}

const FwCfgCore::Entry* FwCfgCore::find_file(std::string_view name) const {
    const auto found = files_.find(name);
    return found == files_.end() ? nullptr : &found->second;
}
FwCfgCore::Entry* FwCfgCore::find_file(std::string_view name) {
    return const_cast<Entry*>(static_cast<const FwCfgCore*>(this)->find_file(name));
}

/// Numbers the files in the order of their names and writes the directory: a count, then 64 bytes for each.
void FwCfgCore::number_files() {
    names_.clear();
    std::vector<std::uint8_t> directory;
    put_be(directory, files_.size(), 4);
    for (const auto& [name, entry] : files_) {
        put_be(directory, entry.contents.size(), 4);
        put_be(directory, kFirstFile + names_.size(), 2);
        put_be(directory, 0, 2);
        directory.insert(directory.end(), name.begin(), name.end());
        directory.insert(directory.end(), kLongestName + 1 - name.size(), 0);
        names_.push_back(name);
    }
    items_[std::uint16_t(FwCfgKey::FileDirectory)].contents = std::move(directory);
}

const FwCfgCore::Entry* FwCfgCore::selected() const {
    if (key_ >= kFirstFile && std::size_t(key_ - kFirstFile) < names_.size())
        return find_file(names_[key_ - kFirstFile]);
    const auto found = items_.find(key_);
    return found == items_.end() ? nullptr : &found->second;
}
FwCfgCore::Entry* FwCfgCore::selected() {
    return const_cast<Entry*>(static_cast<const FwCfgCore*>(this)->selected());
}

void FwCfgCore::select(std::uint16_t key) {
    key_ = key & ~kWriteBit;
    position_ = 0;
    const Entry* entry = selected();
    if (entry && entry->observer) entry->observer->fw_cfg_selected(names_[key_ - kFirstFile]);
}

std::uint64_t FwCfgCore::read_data(unsigned size, bool debug) {
    const Entry* entry = selected();
    std::uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i) {
        const std::uint64_t at = std::uint64_t{position_} + i;
        value = value << 8 | (entry && at < entry->contents.size() ? entry->contents[at] : 0);
    }
    if (!debug && entry)
        position_ = std::uint32_t(std::min<std::uint64_t>(position_ + std::uint64_t{size}, ~0u));
    return value;
}

void FwCfgCore::write_dma_low(std::uint32_t value) {
    dma_address_ |= value;
    if (dma_) transfer();
    dma_address_ = 0;
}

/// Reads the request (control, length, address; big-endian), carries it out, and clears or fails its control word.
void FwCfgCore::transfer() {
    const GuestAddress request(dma_address_);
    std::uint8_t words[16];
    std::uint32_t result = kDmaError;
    if (context_.dma().read(request, {words})) {
        const std::uint32_t control = std::uint32_t(get_be(words, 4));
        const std::uint32_t length = std::uint32_t(get_be(words + 4, 4));
        const GuestAddress address(get_be(words + 8, 8));
        if (control & kDmaSelect) select(std::uint16_t(control >> 16));
        bool done = true;
        if (control & kDmaRead) done = read_block(address, length);
        else if (control & kDmaWrite) done = write_block(address, length);
        else if (control & kDmaSkip)
            position_ = std::uint32_t(std::min<std::uint64_t>(std::uint64_t{position_} + length, ~0u));
        if (done) result = 0;
    }
    const std::uint8_t answer[4] = {0, 0, 0, std::uint8_t(result)};
    context_.dma().write(request, Bytes(answer, sizeof answer));
}

bool FwCfgCore::read_block(GuestAddress address, std::uint32_t length) {
    constexpr std::uint32_t kChunk = 64 << 10;
    const Entry* entry = selected();
    const std::vector<std::uint8_t> zeros(std::min(length, kChunk));
    while (length > 0) {
        std::uint32_t count = std::min(length, kChunk);
        const std::uint8_t* from = zeros.data();
        if (entry && position_ < entry->contents.size()) {
            count = std::uint32_t(std::min<std::size_t>(count, entry->contents.size() - position_));
            from = entry->contents.data() + position_;
        }
        if (!context_.dma().write(address, Bytes(from, count))) return false;
        position_ = std::uint32_t(std::min<std::uint64_t>(std::uint64_t{position_} + count, ~0u));
        address = address + count;
        length -= count;
    }
    return true;
}

bool FwCfgCore::write_block(GuestAddress address, std::uint32_t length) {
    Entry* entry = selected();
    if (!entry || !entry->writable || position_ > entry->contents.size() ||
        length > entry->contents.size() - position_)
        return false;
    if (!context_.dma().read(address, {entry->contents.data() + position_, length})) return false;
    const std::uint32_t start = position_;
    position_ += length;
    if (entry->observer) entry->observer->fw_cfg_written(names_[key_ - kFirstFile], start, length);
    return true;
}

void FwCfgCore::before_save() {
    written_.clear();
    const auto put = [this](const auto& bytes) {
        for (unsigned shift = 0; shift < 32; shift += 8)
            written_.push_back(std::uint8_t(bytes.size() >> shift));
        written_.insert(written_.end(), bytes.begin(), bytes.end());
    };
    for (const auto& [name, entry] : files_)
        if (entry.writable) {
            put(name);
            put(entry.contents);
        }
}

bool FwCfgCore::after_load(Errors& errors) {
    std::size_t at = 0;
    bool whole = true;
    const auto get = [&] {
        const std::size_t left = written_.size() - at;
        std::size_t size = 0;
        for (unsigned i = 0; i < 4 && left >= 4; ++i) size |= std::size_t{written_[at + i]} << 8 * i;
        whole = whole && left >= 4 && size <= left - 4;
        if (!whole) return Bytes();
        at += 4 + size;
        return Bytes(written_.data() + at - size, size);
    };
    while (whole && at < written_.size()) {
        const Bytes name = get();
        const Bytes contents = get();
        Entry* entry = find_file({reinterpret_cast<const char*>(name.data), name.size});
        whole = whole && entry && entry->writable && entry->contents.size() == contents.size;
        if (whole) entry->contents.assign(contents.begin(), contents.end());
    }
    if (!whole) errors.fail("'fw_cfg.written' is not of the files that the guest can write here");
    return whole;
}

void FwCfgCore::reset() { select(std::uint16_t(FwCfgKey::Signature)); }

}  // namespace backplane::fw_cfg
