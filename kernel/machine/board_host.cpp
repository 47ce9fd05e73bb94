#include "kernel/machine/board_host.h"

#include "kernel/machine/device_host.h"
#include "kernel/machine/machine_parts.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace backplane::kernel {
namespace {

constexpr std::uint64_t kMebibyte = 1 << 20;

std::string describe_device(Object& device) {
    return "'" + std::string(device.name().view()) + "' (" + std::string(device.type_name().view()) + ")";
}

}  // namespace

BoardHost::BoardHost(MachineParts& machine, Instance& instance)
    : machine_(machine),
      instance_(instance),
      log_(machine.hub, instance.path_text()),
      owner_(machine.memory.map().create_owner(instance.path_text(), &instance.callee())) {}

void BoardHost::broke(const std::string& message) { machine_.run.request_internal_error(message); }

void BoardHost::release_memory() {
    dma_.reset();
    owner_.reset();
}

void* BoardHost::query(Str interface_id) {
    if (interface_id == Str(BoardContext::kId)) return static_cast<BoardContext*>(this);
    return nullptr;
}

const Topology& BoardHost::topology() const { return machine_.configuration.topology; }
MemoryRegion& BoardHost::system_memory() { return machine_.memory.system_root(); }
MemoryRegion& BoardHost::io_ports() { return machine_.memory.io_root(); }
MemoryRegion& BoardHost::ram() { return machine_.memory.ram(); }

Object* BoardHost::create(Str type, Str name, Errors& errors) {
    return create_chip(type, name, instance_, errors);
}

Object* BoardHost::create_on(Object& bus, Str type, Str name, Errors& errors) {
    return create_chip(type, name, static_cast<Instance&>(bus), errors);
}

/// Of that type, or of the accelerator's own.
Object* BoardHost::create_chip(Str type, Str name, Instance& parent, Errors& errors) {
    Instance* made =
        machine_.objects->create(machine_.processors.chip(type), std::string(name.view()), parent, errors);
    if (made && made->is_a("device")) host_of(*made).set_stands_for(std::string(type.view()));
    return made;
}

bool BoardHost::realize(Object& device, Errors& errors) {
    ErrorText reason;
    if (static_cast<Instance&>(device).realize(reason)) return true;
    errors.fail(describe_device(device) + ": " + reason.text());
    return false;
}

Object* BoardHost::create_cpu(std::uint32_t index, Errors& errors) {
    const std::string name = "cpu" + std::to_string(index);
    Instance* object = machine_.objects->create(machine_.configuration.cpu_type, name, instance_, errors);
    if (!object) return nullptr;
    Cpu* cpu = backplane::query<Cpu>(*object);
    if (!cpu) {
        errors.fail("type '" + machine_.configuration.cpu_type + "' is not a CPU that can run");
        return nullptr;
    }
    if (!machine_.processors.equip(*object, errors)) return nullptr;
    machine_.processors.add(*cpu, index);
    return object;
}

bool BoardHost::set_cpu_memory(Object& object, std::uint32_t space, MemoryRegion& root, Errors& errors) {
    Cpu* cpu = backplane::query<Cpu>(object);
    ErrorText reason;
    if (!cpu) reason.fail("it is no CPU");
    else if (static_cast<Instance&>(object).realized()) reason.fail("it is realized already");
    else if (machine_.processors.set_memory(*cpu, space, root, reason)) return true;
    errors.fail("memory of " + describe_device(object) + ": " + reason.text());
    return false;
}

bool BoardHost::map(Object& device, Str region_name, GuestAddress address, Errors& errors) {
    DeviceHost& host = host_of(static_cast<Instance&>(device));
    MemoryRegion* region = host.exported_region(region_name);
    if (!region) {
        errors.fail(describe_device(device) + " has no region '" + std::string(region_name.view()) + "'" +
                    host.region_names());
        return false;
    }
    return machine_.memory.system_root().add(*region, Offset(address.value), 0, errors);
}

bool BoardHost::connect(Object& from, Str output, unsigned output_index, Object& to, Str input,
                        unsigned input_index, Errors& errors) {
    ErrorText reason;
    if (machine_.wiring.connect(static_cast<Instance*>(&from), output, output_index,
                                static_cast<Instance*>(&to), input, input_index, reason))
        return true;
    errors.fail("joining " + describe_device(from) + " to " + describe_device(to) + ": " + reason.text());
    return false;
}

namespace {

Object* port_of(const std::vector<Instance*>& ports, unsigned index) {
    return index < ports.size() ? ports[index] : nullptr;
}

}  // namespace

Object* BoardHost::serial(unsigned index) { return port_of(machine_.configuration.serials, index); }
Object* BoardHost::parallel(unsigned index) { return port_of(machine_.configuration.parallels, index); }

BoardDrive BoardHost::drive(Str interface, unsigned index) {
    return machine_.configuration.drives.take({std::string(interface.view()), index});
}

bool BoardHost::default_devices() const { return machine_.configuration.default_devices; }

bool BoardHost::read_file(Str path, bool search_firmware, std::uint64_t limit, Bytes& bytes, Errors& errors) {
    const std::string name(path.view());
    std::vector<std::string> candidates{name};
    if (search_firmware && !name.starts_with('/'))
        for (const std::string& directory : machine_.configuration.firmware_path)
            candidates.push_back(directory + "/" + name);
    const auto reading = awaits_state() ? StartBytes::Reading::AsNeeded : StartBytes::Reading::Now;
    std::string reason;
    for (const std::string& candidate : candidates) {
        const int error = StartBytes::open(candidate, limit, reading, file_);
        if (error == 0) {
            bytes = file_->bytes();
            return true;
        }
        // A file that is there and cannot be had says more than one that is not there.
        if (reason.empty() || (error != ENOENT && reason == std::strerror(ENOENT)))
            reason = error == EISDIR  ? "it is a directory"
                     : error == EFBIG ? "it has more than the " + std::to_string(limit / kMebibyte) +
                                            " MiB that the machine has room for"
                                      : std::strerror(error);
    }
    std::string message = "could not open '" + name + "': " + reason;
    if (candidates.size() > 1) {
        message += " (searched";
        for (const std::string& directory : machine_.configuration.firmware_path) message += " " + directory;
        message += ")";
    }
    errors.fail(message);
    return false;
}

bool BoardHost::awaits_state() const { return machine_.run.state() == RunState::InMigrate; }

/// The file that was read last is taken as it is. A part of it is copied, as the rest may be long and of no use, unless
/// nothing is to be read.
BoardHost::Blob BoardHost::make_blob(Str name, GuestAddress address, Bytes bytes, std::uint64_t zeros) const {
    Blob blob{std::string(name.view()), address.value, file_, 0, bytes.size, zeros};
    const Bytes whole = file_ ? file_->bytes() : Bytes();
    const std::uintptr_t at = reinterpret_cast<std::uintptr_t>(bytes.data);
    const std::uintptr_t start = reinterpret_cast<std::uintptr_t>(whole.data);
    const bool inside = at >= start && at - start <= whole.size && bytes.size <= whole.size - (at - start);
    if (inside && (bytes.size == whole.size || awaits_state())) {
        blob.offset = at - start;
        return blob;
    }
    blob.source = std::make_shared<const StartBytes>(std::vector<std::uint8_t>(bytes.begin(), bytes.end()));
    return blob;
}

/// False and a reason when it would end after the last address, or when its bytes lie over another's.
bool BoardHost::check_blob(const Blob& blob, Errors& errors) const {
    const auto last = [](const Blob& b) { return b.address + (b.length - 1); };
    const auto text = [](const Blob& b) {
        return "'" + b.name + "' at 0x" + hex(b.address) + " (" + std::to_string(b.length) + " bytes)";
    };
    if (const std::uint64_t size = blob.size(); size != 0 && size - 1 > ~blob.address) {
        errors.fail(text(blob) + " ends after the last address");
        return false;
    }
    if (blob.length == 0) return true;
    for (const Blob& other : blobs_) {
        if (other.length == 0 || blob.address > last(other) || other.address > last(blob)) continue;
        errors.fail(text(blob) + " overlaps " + text(other));
        return false;
    }
    return true;
}

bool BoardHost::add_blob(Str name, GuestAddress address, Bytes bytes, Errors& errors) {
    if (bytes.empty()) return true;
    Blob blob = make_blob(name, address, bytes, 0);
    if (!check_blob(blob, errors)) return false;
    if (room_for(blob) != blob.length) {
        const FlatRange* begin = machine_.memory.system().view()->find(address.value);
        errors.fail("'" + blob.name + "' (" + std::to_string(blob.size()) +
                    " bytes) does not fit into memory at 0x" + hex(address.value) +
                    (begin && begin->block ? "; give the machine more with -m" : ": there is none"));
        return false;
    }
    if (!place_now(blob, errors)) return false;
    blobs_.push_back(std::move(blob));
    return true;
}

bool BoardHost::add_segment(Str name, GuestAddress address, Bytes bytes, std::uint64_t memory_size,
                            Errors& errors) {
    Blob blob = make_blob(name, address, bytes, memory_size > bytes.size ? memory_size - bytes.size : 0);
    if (!check_blob(blob, errors)) return false;
    if (const std::uint64_t room = room_for(blob); room != bytes.size)
        log_.write(LogLevel::Warning, "machine",
                   "'" + blob.name + "': there is no memory for " + std::to_string(bytes.size - room) +
                       " of the " + std::to_string(bytes.size) + " bytes at 0x" + hex(address.value) +
                       "; they are left out");
    if (!place_now(blob, errors)) return false;
    blobs_.push_back(std::move(blob));
    return true;
}

/// Runs `visit(range of the flat view, first address, bytes)` over what is RAM or ROM.
template <class Visit>
void BoardHost::visit_memory(std::uint64_t address, std::uint64_t size, Visit&& visit) {
    if (size == 0) return;
    const std::uint64_t end = address + (size - 1);
    const auto view = machine_.memory.system().view();
    for (const FlatRange& range : view->ranges) {
        const std::uint64_t first = std::max(address, range.start);
        const std::uint64_t last = std::min(end, range.start + (range.size - 1));
        if (range.block && first <= last) visit(range, first, last - first + 1);
    }
}

std::uint64_t BoardHost::room_for(const Blob& blob) {
    std::uint64_t room = 0;
    visit_memory(blob.address, blob.length,
                 [&](const FlatRange&, std::uint64_t, std::uint64_t size) { room += size; });
    return room;
}

/// 0, or why its bytes cannot be had.
int BoardHost::place(const Blob& blob) {
    int error = 0;
    visit_memory(blob.address, blob.length,
                 [&](const FlatRange& range, std::uint64_t first, std::uint64_t size) {
                     if (error == 0)
                         error = blob.source->copy(blob.offset + (first - blob.address),
                                                   MutableBytes(range.host(first), size));
                     range.region->bytes_changed(Offset(range.offset + (first - range.start)), size);
                 });
    return error;
}

bool BoardHost::place_now(const Blob& blob, Errors& errors) {
    const int error = awaits_state() ? 0 : place(blob);
    if (error != 0) errors.fail("could not read '" + blob.name + "': " + std::strerror(error));
    return error == 0;
}

void BoardHost::clear(const Blob& blob) {
    visit_memory(blob.address + blob.length, blob.zeros,
                 [](const FlatRange& range, std::uint64_t first, std::uint64_t size) {
                     std::memset(range.host(first), 0, size);
                     range.region->bytes_changed(Offset(range.offset + (first - range.start)), size);
                 });
}

/// Zeros first: other blobs may lie over them.
void BoardHost::load_blobs() {
    if (awaits_state() || machine_.run.waking()) return;
    for (const Blob& blob : blobs_) clear(blob);
    for (const Blob& blob : blobs_)
        if (const int error = place(blob))
            machine_.run.request_internal_error(
                "the machine cannot start again: '" + blob.name + "' could not be read: " +
                (error == ENODATA ? "the file is shorter than when the machine was made"
                                  : std::strerror(error)));
}

DmaPort& BoardHost::dma() {
    if (!dma_) dma_ = machine_.memory.map().create_port(machine_.memory.system(), *owner_);
    return *dma_;
}

void BoardHost::random(MutableBytes bytes) { machine_.entropy.fill(bytes); }

void* BoardHost::host_interface(Str interface_id) {
    if (interface_id == ParallelPorts::kId) return static_cast<ParallelPorts*>(this);
    return machine_.find_interface(interface_id);
}

}  // namespace backplane::kernel
