// For a virtio device's own file: little-endian fields of configuration spaces and requests (VIRTIO 1.2, §1.4), and
// the rows of its types, plain and on PCI.
#pragma once

#include <backplane/device.h>
#include <backplane/property.h>
#include <backplane/virtio.h>

#include <bit>
#include <cstring>

namespace backplane::virtio {

static_assert(std::endian::native == std::endian::little, "hosts are little-endian");

/// Stores `value` at `offset`, which the caller made room for.
template <class T>
void store(MutableBytes bytes, std::size_t offset, T value) {
    std::memcpy(bytes.data + offset, &value, sizeof value);
}

template <class T>
T load(Bytes bytes, std::size_t offset) {
    T value;
    std::memcpy(&value, bytes.data + offset, sizeof value);
    return value;
}

/// The first bytes of a chain's readable part as a T; what the driver did not give stays zero.
template <class T>
T read_value(VirtioChain& chain, std::uint64_t offset) {
    T value{};
    chain.read(offset, {reinterpret_cast<std::uint8_t*>(&value), sizeof value});
    return value;
}

template <class T>
void write_value(VirtioChain& chain, std::uint64_t offset, const T& value) {
    chain.write(offset, {reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
}

/// What each device's part offers.
template <class T>
constexpr TypeInfo virtio_device_type(TypeInfo info) {
    info.parent = "virtio-device";
    info.user_creatable = true;
    info.interfaces = kDeviceInterfaces<T>;
    return device_type<T>(info);
}

/// A row for a device on PCI; `row` is a VirtioPciClass in static storage.
constexpr TypeInfo virtio_pci_type(const VirtioPciClass& row, TypeInfo info) {
    info.parent = "virtio-pci";
    info.user_creatable = true;
    info.forwards = row.backend;
    info.class_data = &row;
    return info;
}

}  // namespace backplane::virtio
