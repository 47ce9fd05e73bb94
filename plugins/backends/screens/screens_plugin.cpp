// The plugin "screens": the service through which displays and monitors see what the machine shows.
#include "hub.h"
#include "picture_file.h"

#include <backplane/plugin.h>
#include <backplane/text.h>

#include <lib/json.h>

namespace backplane::screens {
namespace {

constexpr ArgumentInfo kDump[] = {
    {.name = "filename", .summary = "the file that the picture is written to"},
    {.name = "device", .required = false, .summary = "the adapter's id or path; else the first one"},
    {.name = "head", .kind = ArgumentKind::Number, .required = false, .summary = "which of its screens"},
    {.name = "format",
     .kind = ArgumentKind::Switch,
     .required = false,
     .summary = "ppm unless given",
     .choices = "ppm|png"},
};
constexpr ArgumentInfo kWhich[] = {
    {.name = "device", .required = false, .summary = "the adapter's id or path; else the first one"},
    {.name = "head", .kind = ArgumentKind::Number, .required = false, .summary = "which of its screens"},
};
constexpr ArgumentInfo kText[] = {
    {.name = "text", .summary = "lines, without the blanks at their ends"},
    {.name = "columns", .kind = ArgumentKind::Number, .summary = "characters to a line"},
    {.name = "rows", .kind = ArgumentKind::Number, .summary = "lines"},
    {.name = "cursor-column",
     .kind = ArgumentKind::Number,
     .required = false,
     .summary = "where the cursor is, if there is one"},
    {.name = "cursor-row",
     .kind = ArgumentKind::Number,
     .required = false,
     .summary = "the same, from the top"},
};

constexpr CommandInfo kCommands[] = {
    {.name = "screendump",
     .human = "screendump",
     .summary = "write what a screen shows to a file",
     .arguments = kDump},
    {.name = "x-query-screen-text",
     .summary = "the characters that a screen shows",
     .arguments = kWhich,
     .returns = "ScreenText",
     .results = kText},
    {.human = "info screen-text", .summary = "the characters that a screen shows", .arguments = kWhich},
};

constexpr InterfaceInfo kInterfaces[] = {offers<Hub, Completable>(), offers<Hub, CommandHandler>(),
                                         offers<Hub, ScreenHub>()};

constexpr TypeInfo kTypes[] = {
    backend_type<Hub>({.name = "screens",
                       .parent = "service",
                       .summary = "what the machine's screens show",
                       .interfaces = kInterfaces,
                       .commands = kCommands}),
};

/// The screen that a command is about; without one, and with a reason, when there is none.
ScreenPlace screen_of(ScreenHub& hub, const Json& given, Errors& errors) {
    const std::string device = given.value("device", "");
    const auto head = given.value("head", std::uint64_t{0});
    if (head <= 0xffffffff) return hub.find(device, std::uint32_t(head), errors);
    errors.fail("there is no head " + std::to_string(head));
    return {};
}

}  // namespace

void Hub::execute(Str command, Str arguments, CommandReply& reply) {
    if (command == Str("screendump")) return dump(arguments, reply);
    tell_text(arguments, command == Str("info screen-text"), reply);
}

void Hub::dump(Str arguments, CommandReply& reply) {
    const Json given = parse_json(arguments.view());
    ErrorText errors;
    const ScreenPlace place = screen_of(*this, given, errors);
    if (!place.screen) return reply.fail(errors.text());
    look(place);
    const ScreenSurface surface = place.screen->surface();
    if (!surface.pixels) return reply.fail("the screen shows nothing yet");
    const FileFormat format = given.value("format", "ppm") == "png" ? FileFormat::Png : FileFormat::Ppm;
    if (!write_picture(given.value("filename", ""), format, surface, place.screen->pointer(), errors))
        return reply.fail(errors.text());
    reply.succeed("{}");
}

void Hub::tell_text(Str arguments, bool for_people, CommandReply& reply) {
    const Json given = parse_json(arguments.view());
    ErrorText errors;
    const ScreenPlace place = screen_of(*this, given, errors);
    if (!place.screen) return reply.fail(errors.text());
    look(place);
    ScreenText text;
    if (!place.screen->text(text)) return reply.fail("the screen shows no characters now; see screendump");
    if (for_people) return reply.succeed_text(lines_of(text));
    Json answer = {{"text", lines_of(text)}, {"columns", text.columns}, {"rows", text.rows}};
    if (text.cursor) {
        answer["cursor-column"] = text.cursor_column;
        answer["cursor-row"] = text.cursor_row;
    }
    reply.succeed(json_text(answer));
}

}  // namespace backplane::screens

BACKPLANE_PLUGIN("screens", "1.0", "Backplane", backplane::screens::kTypes)
