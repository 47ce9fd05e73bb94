#include "serial.h"

#include <backplane/plugin.h>

#include <algorithm>

namespace backplane::virtio {

namespace {

// §5.3.3
constexpr std::uint64_t kMultiport = 1u << 1, kEmergencyWrite = 1u << 2;
// Control events (§5.3.6.2).
enum Event : std::uint16_t {
    DeviceReady,
    DeviceAdd,
    DeviceRemove,
    PortReady,
    ConsolePort,
    Resize,
    PortOpen,
    PortName
};
// Queues: port 0's, the control queues, then the other ports' (§5.3.2).
constexpr unsigned kControlReceive = 2, kControlTransmit = 3;
constexpr std::uint16_t kPortQueueSize = 128, kControlQueueSize = 32;
// Configuration space (§5.3.4).
constexpr std::size_t kMaxPortsAt = 4, kEmergencyAt = 8, kConfigSize = 12;
/// Messages that wait for a driver which gives no buffers: then the oldest are lost.
constexpr std::size_t kMostMessages = 256;
constexpr std::size_t kMostMessageBytes = 1024;

}  // namespace

Serial::Serial(Object& object) : context_(device_context(object)), virtio_(*query<VirtioDevice>(object)) {
    virtio_.set_function(*this, virtio_id::kConsole);
    describe_bytes<kMostMessages*(2 + kMostMessageBytes)>(context_.state(), "messages", saved_messages_,
                                                          false);
}

void Serial::before_save() {
    saved_messages_.clear();
    for (const std::vector<std::uint8_t>& message : messages_) {
        saved_messages_.push_back(std::uint8_t(message.size()));
        saved_messages_.push_back(std::uint8_t(message.size() >> 8));
        saved_messages_.insert(saved_messages_.end(), message.begin(), message.end());
    }
}

bool Serial::after_load(Errors& errors) {
    messages_.clear();
    for (std::size_t at = 0; at < saved_messages_.size();) {
        const std::size_t left = saved_messages_.size() - at;
        const std::size_t size =
            left < 2 ? 0 : std::size_t{saved_messages_[at]} | saved_messages_[at + 1] << 8;
        if (size < sizeof(Message) || size > left - 2 || messages_.size() == kMostMessages) {
            errors.fail("'messages' is no list of control messages");
            return false;
        }
        const auto first = saved_messages_.begin() + std::ptrdiff_t(at + 2);
        messages_.emplace_back(first, first + std::ptrdiff_t(size));
        at += 2 + size;
    }
    fill_config();
    return true;
}

bool Serial::realize(Errors& errors) {
    // The bus has the name that the field gives it: after the id of the device that the user named.
    Object* named = &context_.object();
    while (named->id().empty() && (named->name() == Str("virtio-backend") || named->is_a("bus")))
        named = named->parent();
    const Str id = named->id();
    const std::string name = id.empty() ? "virtio-serial-bus.0" : std::string(id.view()) + ".0";
    Object* bus = context_.create_bus("virtio-serial-bus", name, errors);
    if (!bus) return false;
    static_cast<SerialBus*>(bus->part("virtio-serial-bus"))->set_device(*this);

    virtio_.offer_features(kMultiport | (emergency_write_ ? kEmergencyWrite : 0));
    std::vector<std::uint16_t> sizes(2 * (max_ports_ + 1), kPortQueueSize);
    sizes[kControlReceive] = sizes[kControlTransmit] = kControlQueueSize;
    if (!virtio_.create_queues(sizes, errors)) return false;
    config_ = virtio_.create_config(kConfigSize);
    ports_.resize(max_ports_);
    gate_.create(context_);
    fill_config();
    return true;
}

void Serial::fill_config() {
    std::fill(config_.begin(), config_.end(), std::uint8_t{0});
    store(config_, kMaxPortsAt, max_ports_);
}

void Serial::config_written(MutableBytes config, std::uint64_t offset, std::uint64_t size) {
    // §5.3.4: a byte at emerg_wr comes out of port 0, whatever the state of the queues.
    if (emergency_write_ && offset <= kEmergencyAt && offset + size > kEmergencyAt && ports_[0])
        ports_[0]->emergency_write(config[kEmergencyAt]);
    fill_config();
}

void Serial::device_reset() {
    messages_.clear();
    for (SerialPort* port : ports_)
        if (port) port->forget_driver();
}

bool Serial::multiport() const { return virtio_.has(kMultiport); }

VirtioQueue* Serial::port_queue(std::uint32_t port, unsigned direction) {
    if (!virtio_.driver_ok() || (port != 0 && !multiport())) return nullptr;
    return &virtio_.queue((port == 0 ? 0 : 2 * port + 2) + direction);
}

VirtioQueue* Serial::receive_queue(std::uint32_t port) { return port_queue(port, 0); }
VirtioQueue* Serial::transmit_queue(std::uint32_t port) { return port_queue(port, 1); }

void Serial::queue_notified(VirtioQueue& queue) {
    const unsigned index = queue.index();
    if (index == kControlReceive) return flush_messages();
    if (index == kControlTransmit) return receive_control(queue);
    const std::size_t number = index < 2 ? 0 : index / 2 - 1;
    SerialPort* port = number < ports_.size() ? ports_[number] : nullptr;
    if (index % 2 == 0) {
        if (port) port->room_to_receive();
    } else if (port) {
        port->transmit(queue);
    } else {
        while (VirtioChain* chain = queue.take()) chain->complete(0);
        queue.interrupt();
    }
}

// The control queues.

void Serial::receive_control(VirtioQueue& queue) {
    while (VirtioChain* chain = queue.take()) {
        const bool whole = chain->readable_size() >= sizeof(Message);
        const auto message = read_value<Message>(*chain, 0);
        chain->complete(0);
        if (whole) handle(message);
    }
    queue.interrupt();
}

void Serial::handle(const Message& message) {
    if (message.event == DeviceReady) {
        if (message.value != 1) return;
        for (SerialPort* port : ports_)
            if (port) send({port->number(), DeviceAdd, 1});
        return;
    }
    SerialPort* port = message.id < ports_.size() ? ports_[message.id] : nullptr;
    if (!port) {
        context_.log().guest_error("port", "virtio-serial: a control message for a port that does not exist");
        return;
    }
    if (message.event == PortOpen) return port->guest_opened(message.value != 0);
    if (message.event != PortReady || message.value != 1) return;
    if (port->console()) send({message.id, ConsolePort, 1});
    if (!port->port_name().empty()) send({message.id, PortName, 1}, port->port_name());
    if (port->host_open()) send({message.id, PortOpen, 1});
}

void Serial::tell_open(SerialPort& port) {
    if (virtio_.driver_ok() && multiport()) send({port.number(), PortOpen, port.host_open()});
}

void Serial::send(const Message& message, const std::string& text) {
    const auto* header = reinterpret_cast<const std::uint8_t*>(&message);
    std::vector<std::uint8_t> bytes(header, header + sizeof message);
    bytes.insert(bytes.end(), text.begin(),
                 text.begin() + std::ptrdiff_t(std::min(text.size(), kMostMessageBytes - sizeof message)));
    if (messages_.size() == kMostMessages) messages_.pop_front();
    messages_.push_back(std::move(bytes));
    flush_messages();
}

void Serial::flush_messages() {
    if (gate_.shut()) return;
    VirtioQueue& queue = virtio_.queue(kControlReceive);
    while (!messages_.empty()) {
        VirtioChain* chain = queue.take();
        if (!chain) break;
        chain->complete(chain->write(0, messages_.front()));
        messages_.pop_front();
    }
    queue.interrupt();
}

// The bus.

bool SerialBus::has_room() const {
    return device_ && std::ranges::any_of(device_->ports(), [](const SerialPort* port) { return !port; });
}

bool SerialBus::attach(Object& device, Errors& errors) {
    auto* port = static_cast<SerialPort*>(device.part("virtio-serial-port"));
    const std::string what = "port '" + std::string(device.type_name().view()) + "' on bus '" +
                             std::string(object_.name().view()) + "': ";
    if (!port || !device_) {
        errors.fail("cannot plug " + what + "it is not a virtio-serial port");
        return false;
    }
    auto& ports = device_->ports();
    std::uint32_t number = port->wanted_number();
    if (number == SerialPort::kAnyNumber) {
        // Port 0 is a console's, as drivers without MULTIPORT expect it.
        number = port->console() ? 0 : 1;
        while (number < ports.size() && ports[number]) ++number;
    }
    if (number >= ports.size())
        errors.fail("cannot plug " + what + "it has " + std::to_string(ports.size()) + " ports, and number " +
                    std::to_string(number) + " is not one of them; raise max_ports");
    else if (ports[number])
        errors.fail("cannot plug " + what + "number " + std::to_string(number) + " is in use");
    else if (number == 0 && !port->console())
        errors.fail("cannot plug " + what + "number 0 is for a virtconsole; use nr=1 or more");
    else {
        ports[number] = port;
        port->plugged(device_, number);
        return true;
    }
    return false;
}

void SerialBus::detach(Object& device) {
    auto* port = static_cast<SerialPort*>(device.part("virtio-serial-port"));
    if (!port || !device_) return;
    std::ranges::replace(device_->ports(), port, nullptr);
    port->plugged(nullptr, SerialPort::kAnyNumber);
}

bool SerialBus::request_unplug(Object& device, Errors& errors) {
    errors.fail("'" + std::string(device.type_name().view()) + "' cannot be unplugged while the guest runs");
    return false;
}

void SerialBus::address_of(Object& device, TextSink& out) const {
    if (auto* port = static_cast<SerialPort*>(device.part("virtio-serial-port")))
        out.append("nr = " + std::to_string(port->number()));
}

namespace {

constexpr InterfaceInfo kBusInterfaces[] = {offers<SerialBus, Bus>()};

constexpr TypeInfo bus_type() {
    TypeInfo info{
        .name = "virtio-serial-bus", .parent = "bus", .summary = "The ports of a virtio-serial device"};
    info.interfaces = kBusInterfaces;
    info.instance_init = make_part<SerialBus>;
    info.instance_finalize = free_part<SerialBus>;
    return info;
}

constexpr PortClass kConsoleRow{true}, kChannelRow{false};

constexpr TypeInfo port_base() {
    TypeInfo info{.name = "virtio-serial-port", .parent = "device"};
    info.summary = "What every port of a virtio-serial device stands on";
    info.abstract = true;
    info.bus = "virtio-serial-bus";
    info.category = "Input";
    info.interfaces = kDeviceInterfaces<SerialPort>;
    info.properties = SerialPort::kProperties;
    info.instance_init = [](Object& object, const void* row, Errors&) -> void* {
        return new SerialPort(object, *static_cast<const PortClass*>(row));
    };
    info.instance_finalize = free_part<SerialPort>;
    return info;
}

constexpr TypeInfo port_type(const PortClass& row, TypeInfo info) {
    info.parent = "virtio-serial-port";
    info.user_creatable = true;
    info.class_data = &row;
    return info;
}

using enum VirtioPciInterface;
constexpr VirtioPciClass kPci{.backend = "virtio-serial-device", .class_code = 0x078000, .vectors = 32};
constexpr VirtioPciClass kTransitional{
    .backend = "virtio-serial-device", .class_code = 0x078000, .vectors = 32, .interface = Transitional};
constexpr VirtioPciClass kModern{
    .backend = "virtio-serial-device", .class_code = 0x078000, .vectors = 32, .interface = ModernOnly};

constexpr HistoryRow kHistory[] = {{"2.7", "emergency-write", "off"}};
constexpr HistoryRow kPciHistory[] = {{"2.6", "disable-modern", "on"}};

constexpr TypeInfo kTypes[] = {
    bus_type(),
    port_base(),
    port_type(
        kConsoleRow,
        {.name = "virtconsole", .summary = "Console port of a virtio-serial device", .category = "Input"}),
    port_type(
        kChannelRow,
        {.name = "virtserialport", .summary = "Named port of a virtio-serial device", .category = "Input"}),
    virtio_device_type<Serial>({.name = "virtio-serial-device",
                                .summary = "Virtio console device",
                                .category = "Input",
                                .properties = Serial::kProperties,
                                .history = kHistory}),
    virtio_pci_type(kPci, {.name = "virtio-serial-pci",
                           .summary = "Virtio console device on PCI",
                           .aliases = "virtio-serial",
                           .category = "Input",
                           .history = kPciHistory}),
    virtio_pci_type(kTransitional, {.name = "virtio-serial-pci-transitional",
                                    .summary = "Virtio console device on PCI, for legacy drivers too",
                                    .category = "Input"}),
    virtio_pci_type(kModern, {.name = "virtio-serial-pci-non-transitional",
                              .summary = "Virtio console device on PCI, for modern drivers",
                              .category = "Input"}),
};
BACKPLANE_PLUGIN("virtio-serial", "1.0", "Backplane", kTypes)

}  // namespace

}  // namespace backplane::virtio
