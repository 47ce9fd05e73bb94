#include "hub.h"

#include <backplane/text.h>

namespace backplane::input {
namespace {

constexpr std::uint32_t kPointers = input_takes::kRelative | input_takes::kAbsolute;

std::string path_of(const Object& object) {
    TextBuffer text;
    object.path(text);
    return text.text();
}

}  // namespace

bool Hub::complete(Errors&) {
    clock_ = static_cast<Clock*>(context_.host_interface(Clock::kId));
    timer_.create(*clock_);
    return true;
}

/// In the order in which they were made, more or less: a machine's own ahead of those that users plug in.
std::vector<Hub::Device> Hub::devices(std::uint32_t kinds) const {
    std::vector<Device> found;
    for_each_below(root_of(context_.object()), [&](Object& object) {
        if (auto* device = query<InputDevice>(object); device && device->takes() & kinds)
            found.push_back({&object, device});
    });
    return found;
}

InputDevice* Hub::meant(std::uint32_t kinds) const {
    const std::vector<Device> all = devices(kinds);
    InputDevice* last = nullptr;
    InputDevice* listening = nullptr;
    for (const Device& each : all) {
        if (kinds & kPointers && path_of(*each.object) == chosen_) return each.device;
        last = each.device;
        if (each.device->listening()) listening = each.device;
    }
    return listening ? listening : last;
}

InputDevice* Hub::receiver(const InputEvent& event, Slice<const InputEvent> with) const {
    switch (event.kind) {
    case InputKind::Key: return meant(input_takes::kKeys);
    case InputKind::Relative: return meant(input_takes::kRelative);
    case InputKind::Absolute: return meant(input_takes::kAbsolute);
    case InputKind::Button: break;
    }
    // A button goes to the pointer that moves with it.
    for (const InputEvent& other : with)
        if (other.kind == InputKind::Relative || other.kind == InputKind::Absolute)
            return receiver(other, {});
    return meant(kPointers);
}

bool Hub::send(Slice<const InputEvent> events) {
    bool sent = false;
    for (std::size_t at = 0; at < events.size;) {
        InputDevice* device = receiver(events[at], events);
        std::size_t end = at + 1;
        while (end < events.size && receiver(events[end], events) == device) ++end;
        if (device) device->input({events.data + at, end - at});
        sent |= device != nullptr;
        at = end;
    }
    return sent;
}

bool Hub::taken(std::uint32_t kinds) const { return !devices(kinds).empty(); }

void Hub::step() {
    while (!steps_.empty()) {
        const Step step = steps_.front();
        steps_.pop_front();
        send({&step.event, 1});
        if (steps_.empty() || steps_.front().delay_ns == 0) continue;
        timer_.arm(clock_->now_ns() + steps_.front().delay_ns);
        return;
    }
}

void Hub::send_keys(const std::vector<std::uint16_t>& keys, std::uint64_t hold_ms, CommandReply& reply) {
    if (!taken(input_takes::kKeys)) return answer(false, reply);
    if (steps_.size() + 2 * keys.size() > kMostSteps)
        return reply.fail("too many keys are waiting for those before them to be let go; try again later");
    const bool idle = steps_.empty();
    for (const std::uint16_t key : keys) steps_.push_back({0, {InputKind::Key, key, 1}});
    std::uint64_t delay = hold_ms * 1'000'000;
    for (auto key = keys.rbegin(); key != keys.rend(); ++key, delay = 0)
        steps_.push_back({delay, {InputKind::Key, *key, 0}});
    if (idle) step();
    answer(true, reply);
}

}  // namespace backplane::input
