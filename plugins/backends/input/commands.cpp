// What monitors ask of the service.
#include "events.h"
#include "hub.h"

#include <backplane/text.h>

#include <lib/json.h>

#include <stdexcept>

namespace backplane::input {
namespace {

constexpr std::uint64_t kDefaultHold = 100;  // ms
constexpr std::uint64_t kLongestHold = 60'000;

/// An argument that was checked to be an integer if it is there.
std::int64_t integer(const Json& given, const char* name, std::int64_t otherwise = 0) {
    return given.value(name, otherwise);
}

std::int32_t movement(const Json& given, const char* name) {
    const std::int64_t value = integer(given, name);
    if (value < -kInputAbsoluteMaximum || value > kInputAbsoluteMaximum)
        throw std::invalid_argument(std::string(name) + ": " + std::to_string(value) +
                                    " is farther than 32767");
    return std::int32_t(value);
}

}  // namespace

void Hub::answer(bool sent, CommandReply& reply) const {
    if (sent) reply.succeed("{}");
    else reply.fail("no device of this machine takes that; plug in a keyboard or a pointer");
}

void Hub::execute(Str command, Str arguments, CommandReply& reply) {
    const Json given = parse_json(arguments.view());
    try {
        if (command == Str("input-send-event")) return send_events(arguments, reply);
        if (command == Str("mouse_move")) return move_mouse(arguments, reply);
        if (command == Str("mouse_button"))
            return press_buttons(std::uint32_t(integer(given, "buttons")) & 7, reply);
        if (command == Str("mouse_set")) return choose_mouse(std::uint64_t(integer(given, "index")), reply);
        if (command == Str("query-mice")) return list_mice(false, reply);
        if (command == Str("info mice")) return list_mice(true, reply);
        const std::int64_t hold = integer(given, "hold-time", kDefaultHold);
        if (hold < 0 || hold > std::int64_t(kLongestHold))
            return reply.fail("hold-time: " + std::to_string(hold) + " ms is more than a minute");
        send_keys(command == Str("sendkey") ? parse_key_line(given.value("keys", ""))
                                            : parse_keys(given["keys"]),
                  std::uint64_t(hold), reply);
    } catch (const std::invalid_argument& problem) {
        reply.fail(problem.what());
    }
}

void Hub::send_events(Str arguments, CommandReply& reply) {
    const Json given = parse_json(arguments.view());
    for (const char* place : {"device", "head"})
        if (given.contains(place))
            return reply.fail(std::string(place) +
                              ": this machine has no displays that keyboards belong to; leave it out");
    const std::vector<InputEvent> events = parse_events(given["events"]);
    answer(events.empty() || send(events), reply);
}

void Hub::move_mouse(Str arguments, CommandReply& reply) {
    const Json given = parse_json(arguments.view());
    std::vector<InputEvent> events = {
        {InputKind::Relative, std::uint16_t(InputAxis::X), movement(given, "dx")},
        {InputKind::Relative, std::uint16_t(InputAxis::Y), movement(given, "dy")},
    };
    if (const std::int32_t wheel = movement(given, "dz")) {
        const auto button = std::uint16_t(wheel > 0 ? InputButton::WheelUp : InputButton::WheelDown);
        events.push_back({InputKind::Button, button, 1});
        events.push_back({InputKind::Button, button, 0});
    }
    answer(send(events), reply);
}

void Hub::press_buttons(std::uint32_t buttons, CommandReply& reply) {
    constexpr InputButton kOrder[] = {InputButton::Left, InputButton::Middle, InputButton::Right};
    std::vector<InputEvent> events;
    for (std::uint32_t i = 0; i < 3; ++i)
        if ((buttons ^ buttons_) >> i & 1)
            events.push_back({InputKind::Button, std::uint16_t(kOrder[i]), std::int32_t(buttons >> i & 1)});
    buttons_ = buttons;
    answer(events.empty() || send(events), reply);
}

void Hub::choose_mouse(std::uint64_t index, CommandReply& reply) {
    const auto mice = devices(input_takes::kRelative | input_takes::kAbsolute);
    if (index >= mice.size())
        return reply.fail("there is no mouse " + std::to_string(index) +
                          "; 'info mice' shows those that there are");
    TextBuffer path;
    mice[index].object->path(path);
    chosen_ = path.text();
    reply.succeed("{}");
}

void Hub::list_mice(bool for_people, CommandReply& reply) const {
    const std::uint32_t pointers = input_takes::kRelative | input_takes::kAbsolute;
    const InputDevice* current = meant(pointers);
    Json list = Json::array();
    std::string text;
    for (const Device& each : devices(pointers)) {
        const std::string name(each.object->type_name().view());
        const bool absolute = each.device->takes() & input_takes::kAbsolute;
        text += std::string(each.device == current ? "*" : " ") + " Mouse #" + std::to_string(list.size()) +
                ": " + name + (absolute ? " (absolute)" : "") + "\n";
        list.push_back({{"name", name},
                        {"index", list.size()},
                        {"current", each.device == current},
                        {"absolute", absolute}});
    }
    if (for_people) reply.succeed_text(text.empty() ? "No mouse devices connected\n" : text);
    else reply.succeed(json_text(list));
}

}  // namespace backplane::input
