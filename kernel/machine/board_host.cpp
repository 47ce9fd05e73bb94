#include "kernel/machine/board_host.h"

#include "kernel/machine/host_file.h"
#include "kernel/machine/machine_parts.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace backplane::kernel {
namespace {

constexpr std::uint64_t kMaximumFile = std::uint64_t{8} << 30;

std::string describe_device(Object& device) {
    return "'" + std::string(device.name().view()) + "' (" + std::string(device.type_name().view()) + ")";
}

}  // namespace

BoardHost::BoardHost(MachineParts& machine, Instance& instance)
    : machine_(machine),
      instance_(instance),
      log_(machine.hub, instance.path_text()),
      owner_(machine.memory.map().create_owner(instance.path_text())) {}

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
    return machine_.objects->create(type, std::string(name.view()), instance_, errors);
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
    for (const auto& [property, value] : machine_.configuration.cpu_features)
        if (!object->set_property(property, value, errors)) return nullptr;
    machine_.processors.set_host(*cpu, index);
    machine_.processors.add(*cpu);
    return object;
}

bool BoardHost::map(Object& device, Str region_name, GuestAddress address, Errors& errors) {
    DeviceHost& host = host_of(static_cast<Instance&>(device));
    MemoryRegion* region = host.exported_region(region_name);
    if (!region) {
        errors.fail(describe_device(device) + " has no region '" + std::string(region_name.view()) + "'");
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

Object* BoardHost::serial(unsigned index) {
    return index < machine_.configuration.serials.size() ? machine_.configuration.serials[index] : nullptr;
}

Object* BoardHost::drive(Str interface, unsigned index) {
    return machine_.configuration.drives.take({std::string(interface.view()), index});
}

bool BoardHost::default_devices() const { return machine_.configuration.default_devices; }

bool BoardHost::read_file(Str path, bool search_firmware, Bytes& bytes, Errors& errors) {
    const std::string name(path.view());
    std::vector<std::string> candidates{name};
    if (search_firmware && !name.starts_with('/'))
        for (const std::string& directory : machine_.configuration.firmware_path)
            candidates.push_back(directory + "/" + name);
    std::string reason;
    for (const std::string& candidate : candidates) {
        const int error = read_whole_file(candidate, kMaximumFile, file_);
        if (error == 0) {
            bytes = {file_.data(), file_.size()};
            return true;
        }
        // A file that is there and cannot be had says more than one that is not there.
        if (reason.empty() || (error != ENOENT && reason == std::strerror(ENOENT)))
            reason = error == EISDIR  ? "it is a directory"
                     : error == EFBIG ? "it is larger than 8 GiB"
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

bool BoardHost::add_blob(Str name, GuestAddress address, Bytes bytes, Errors& errors) {
    const std::string label = "'" + std::string(name.view()) + "'";
    if (bytes.empty()) return true;
    if (bytes.size - 1 > ~address.value) {
        errors.fail(label + " at " + "0x" + hex(address.value) + " (" + std::to_string(bytes.size) +
                    " bytes) ends after the last address");
        return false;
    }
    const auto last = [](std::uint64_t start, std::size_t size) { return start + (size - 1); };
    for (const Blob& other : blobs_) {
        if (address.value <= last(other.address, other.bytes.size()) &&
            other.address <= last(address.value, bytes.size)) {
            errors.fail(label + " at " + "0x" + hex(address.value) + " (" + std::to_string(bytes.size) +
                        " bytes) overlaps '" + other.name + "' at " + "0x" + hex(other.address) + " (" +
                        std::to_string(other.bytes.size()) + " bytes)");
            return false;
        }
    }
    Blob blob{std::string(name.view()), address.value, {bytes.begin(), bytes.end()}};
    if (!place(blob)) {
        errors.fail(label + " (" + std::to_string(bytes.size) + " bytes) does not fit into memory at " +
                    "0x" + hex(address.value) + "; give the machine more with -m");
        return false;
    }
    blobs_.push_back(std::move(blob));
    return true;
}

/// Writes to RAM and ROM alike.
bool BoardHost::place(const Blob& blob) {
    const auto view = machine_.memory.system().view();
    std::uint64_t done = 0;
    while (done < blob.bytes.size()) {
        const std::uint64_t at = blob.address + done;
        const FlatRange* range = view->find(at);
        if (!range || !range->block) return false;
        const std::uint64_t length =
            std::min<std::uint64_t>(blob.bytes.size() - done, range->size - (at - range->start));
        std::memcpy(range->host(at), blob.bytes.data() + done, length);
        range->region->bytes_changed(Offset(range->offset + (at - range->start)), length);
        done += length;
    }
    return true;
}

void BoardHost::load_blobs() {
    for (const Blob& blob : blobs_) place(blob);
}

DmaPort& BoardHost::dma() {
    if (!dma_) dma_ = machine_.memory.map().create_port(machine_.memory.system(), *owner_);
    return *dma_;
}

void BoardHost::random(MutableBytes bytes) {
    std::size_t done = 0;
    while (done < bytes.size) {
        const ssize_t got = getrandom(bytes.data + done, bytes.size - done, 0);
        if (got > 0) done += std::size_t(got);
        else if (errno != EINTR) break;
    }
    if (done == bytes.size) return;
    // A host that forbids the call (a sandbox) may have the device.
    std::vector<std::uint8_t> rest(bytes.size - done);
    if (const int error = read_start_of_file("/dev/urandom", rest)) {
        machine_.hub.write(LogLevel::Error, "machine",
                           std::string("the host gives no random bytes, the guest gets zeros: ") +
                               std::strerror(error));
        std::ranges::fill(rest, 0);
    }
    std::ranges::copy(rest, bytes.data + done);
}

void* BoardHost::host_interface(Str interface_id) { return machine_.interfaces.find(interface_id); }

}  // namespace backplane::kernel
