// Types on paper: what a plugin registers. A TypeInfo is constant data; the manifest is written from the same
// data at compile time, so what is listed cannot drift from what is registered.
#pragma once

#include <backplane/abi.h>

namespace backplane {

class Object;

/// Default: none, a type with another one is refused.
enum class PropertyKind : std::uint8_t { Bool, Int, UInt, Size, String, Enum, Link };

/// A property's value after the host parsed and checked it. Only the member that fits the kind is meaningful.
/// From the host.
struct PropertyValue {
    PropertyKind kind = PropertyKind::UInt;
    bool boolean = false;
    std::int64_t integer = 0;  ///< Int
    std::uint64_t number = 0;  ///< UInt, Size; Enum: index into the choices
    Str text;                  ///< String; Enum: the choice. Valid during the call
    Object* object = nullptr;  ///< Link: the target, null when unset. The host keeps it alive while linked
};

/// One property of a type. `default_text` is parsed as the command line would; null: no default (the part's own
/// initial value holds, and a Link stays unset). Sized, as all rows are (TypeTable).
struct PropertyInfo {
    const char* name = nullptr;
    PropertyKind kind = PropertyKind::UInt;
    const char* summary = "";
    const char* default_text = nullptr;
    const char* choices =
        nullptr;  ///< Enum: "on|off|auto"; Link: the id of the interface the target must offer
    std::uint64_t maximum = ~std::uint64_t{0};  ///< UInt, Size; Int: its greatest value as unsigned
    std::uint64_t minimum = 0;                  ///< UInt, Size
    bool settable_when_realized = false;
    bool required = false;  ///< realizing without it is an error
    /// Null: read-only. False and a reason (without the property's name, which the host adds) leaves the old value.
    bool (*set)(void* part, const PropertyValue& value, class Errors& errors) = nullptr;
    void (*get)(const void* part, PropertyValue& value) = nullptr;  ///< null: write-only
};

/// An interface that the type's part offers. Sized.
struct InterfaceInfo {
    const char* id = nullptr;
    void* (*cast)(void* part) = nullptr;
};

/// Overrides a default of `type` (or of what derives from it). Sized.
struct CompatProperty {
    const char* type = nullptr;
    const char* property = nullptr;
    const char* value = nullptr;
};

/// A default that a type had in the past: up to and including `release` of the line that machine versions name
/// (MachineVersion::release), `property` was `value`. Rows stand in any order; where several apply, that of the oldest
/// release holds. Sized.
struct HistoryRow {
    /// "9.0": numbers with '.' between. A vendor whose boards have releases of their own names the line: "acme:2.1";
    /// that says nothing to machines of another line.
    const char* release = nullptr;
    const char* property = nullptr;
    const char* value = nullptr;
};

/// A machine version as a row of data. Rows stand newest first; what differs from the next newer row are the board's
/// own deltas, which add up, and the history of every type in the machine. The first row is what the bare name means.
/// Sized.
struct MachineVersion {
    const char* version = nullptr;
    Slice<const CompatProperty> deltas{};
    /// The release whose past each type's history shows; null: the present.
    const char* release = nullptr;
    /// A class_data in place of the board's from this row on to older ones (other limits or defaults); null: the newer
    /// row's.
    const void* traits = nullptr;
    const char* deprecated = nullptr;  ///< why, and what to use instead; null: it is not
    const char* aliases = nullptr;     ///< further names of this version, '|' between them
};

/// What an argument of a command, or the value of an option's parameter, is. Default: none, a plugin with another one is
/// refused.
enum class ArgumentKind : std::uint8_t {
    Text,    ///< a word
    Rest,    ///< the rest of the line
    Number,  ///< unsigned, also 0x…
    Integer,
    Flag,     ///< JSON true or false; on the line "-x", x being the name's first letter
    Value,    ///< any JSON scalar; a word
    Object,   ///< a JSON object; people have no way to type it
    Array,    ///< a JSON array; people have no way to type it
    Options,  ///< all further members; on the line "FIRST,key=value", FIRST being the value of `name`
    Format,   ///< on the line "/4xw", without the slash
    Switch,   ///< a word; on the line "-x WORD", x being the name's first letter, anywhere behind the command
};

/// Sized.
struct ArgumentInfo {
    const char* name = nullptr;
    ArgumentKind kind = ArgumentKind::Text;
    bool required = true;
    const char* summary = "";
    const char* choices = nullptr;  ///< Text: "a|b|c", what it may be
};

/// When a management command is allowed, as a set.
namespace command_when {
inline constexpr std::uint8_t kPreconfig = 1;  ///< also before the machine is built
inline constexpr std::uint8_t kBuilt = 2;
inline constexpr std::uint8_t kIncoming = 4;  ///< also while a saved machine is awaited
}  // namespace command_when

/// A management command that a type's objects serve through CommandHandler (<backplane/management.h>). It is listed
/// from the manifest; the plugin is loaded when it is first called. Sized.
struct CommandInfo {
    const char* name = nullptr;  ///< for programs: "query-vnc"; null: for people only
    const char* human =
        nullptr;  ///< for people: "info vnc", alternatives with '|' between; null: for programs only
    const char* summary = "";
    Slice<const ArgumentInfo> arguments{};
    /// The name of what comes back in the schema; null: an empty object. "[name]": a list; "str", "int", "bool",
    /// "number", "any" are those.
    const char* returns = nullptr;
    std::uint8_t when = command_when::kBuilt;
    Slice<const ArgumentInfo> results{};  ///< the members of what `returns` names, for the schema
};

/// An event that a type's objects emit. Sized.
struct EventInfo {
    const char* name = nullptr;  ///< "VNC_CONNECTED"
    const char* summary = "";
    Slice<const ArgumentInfo> members{};
};

/// A command-line option that stands for an object of the type: "-vnc :19,share=…" makes one with these properties.
/// Sized.
struct OptionInfo {
    const char* name = nullptr;      ///< without dashes
    const char* argument = nullptr;  ///< as -help shows it; null: it takes none
    const char* summary = "";
    const char* group = nullptr;           ///< the heading in -help: "Display", "Debug", …
    const char* first_property = nullptr;  ///< what a first word without '=' is the value of
    const char* fixed =
        nullptr;              ///< properties that are always set: "device=tcp::1234"; may be all that it does
    bool repeatable = false;  ///< another one makes another object; else it is refused
    /// The whole text is the value of `first_property`: commas in it separate nothing.
    bool verbatim = false;
};

/// A memory region that objects of the type show under a name (DeviceContext::export_region): what a board maps and a user
/// sees listed. The host refuses an instance that shows another one, another size, or lacks one that is not optional.
/// Sized.
struct RegionInfo {
    const char* name = nullptr;
    const char* summary = "";
    std::uint64_t size = 0;  ///< bytes; 0: as properties say
    bool optional = false;   ///< an instance may lack it, as properties say
};

/// Seen from the device. Default: none, a type with another one is refused.
enum class WireDirection : std::uint8_t { Output, Input };

/// A group of wires that objects of the type have (DeviceContext::add_outputs, add_inputs); as with regions. Sized.
struct WireInfo {
    const char* name = "";  ///< "" is a usual name for the only group
    WireDirection direction = WireDirection::Output;
    const char* summary = "";
    std::uint32_t count = 1;  ///< 0: as properties say
    bool optional = false;    ///< an instance may lack the group, as properties say
};

/// A class in the making, for class initialisers. Valid during the call.
class Class {
  public:
    virtual Str name() const = 0;
    /// Replaces the default of a property that this type or an ancestor has.
    virtual void set_default(Str property, Str value) = 0;

  protected:
    ~Class() = default;
};

/// A type. Sized.
struct TypeInfo {
    const char* name = nullptr;
    const char* parent = "object";
    const char* summary = "";
    bool abstract = false;
    /// May be made by -device, -object, -chardev …; a type that only a board makes says false.
    bool user_creatable = false;
    /// The name that the command line uses in its own option (-M, -cpu, -accel, -chardev); null: `name`.
    const char* option_name = nullptr;
    const char* aliases = nullptr;  ///< further option names, '|' between them
    bool is_default = false;        ///< the default machine of its architecture
    const char* bus = nullptr;  ///< the kind of bus that it plugs into ("pci", "virtio"); null: its parent's
    const char* category = nullptr;  ///< for listings: "Storage", "Network", "Input", "Display", "Misc", …
    const char* forwards = nullptr;  ///< a proxy: the type whose properties it has as well
    Slice<const InterfaceInfo> interfaces{};
    Slice<const PropertyInfo> properties{};
    Slice<const RegionInfo> regions{};  ///< of devices; an ancestor's count as well
    Slice<const WireInfo> wires{};      ///< of devices; an ancestor's count as well
    /// Machines: makes a type "<option_name>-<version>-machine" per row.
    Slice<const MachineVersion> versions{};
    Slice<const HistoryRow> history{};
    /// Of a type derived from "service": what users see of it without naming an object.
    Slice<const OptionInfo> options{};
    Slice<const CommandInfo> commands{};
    Slice<const EventInfo> events{};  ///< of any type

    /// Run once for each class derived from this one (and itself), before class_init.
    void (*class_base_init)(Class&, const void* class_data) = nullptr;
    void (*class_init)(Class&, const void* class_data) = nullptr;
    const void* class_data = nullptr;

    /// Makes this type's part; null and a reason on failure. Runs parents first. `class_data` is the most derived
    /// type's (or its nearest ancestor's that has one), so a family agrees on what that points to.
    void* (*instance_init)(Object&, const void* class_data, class Errors&) = nullptr;
    /// Runs parents first when all parts exist and defaults are set.
    void (*instance_post_init)(Object&, void* part) = nullptr;
    /// Frees the part. Runs in reverse order.
    void (*instance_finalize)(Object&, void* part) = nullptr;

    /// Of machines, processors and what is for them alone: the guest's, as programs are named after it ("x86_64",
    /// "riscv64"). A program that is started by such a name has no types of another. Null: its parent's; in all: any.
    const char* architecture = nullptr;
};

/// A plugin's types, with the sizes that their rows had when it was built. Rows only ever grow at their ends, with
/// members whose default means what was before, so a newer host reads an older plugin's rows by these sizes. Sized.
struct TypeTable {
    std::uint32_t struct_size = sizeof(TypeTable);
    const void* types = nullptr;
    std::size_t count = 0;
    std::uint32_t type_size = sizeof(TypeInfo);
    std::uint32_t property_size = sizeof(PropertyInfo);
    std::uint32_t interface_size = sizeof(InterfaceInfo);
    std::uint32_t version_size = sizeof(MachineVersion);
    std::uint32_t compat_size = sizeof(CompatProperty);
    std::uint32_t history_size = sizeof(HistoryRow);
    std::uint32_t option_size = sizeof(OptionInfo);
    std::uint32_t command_size = sizeof(CommandInfo);
    std::uint32_t argument_size = sizeof(ArgumentInfo);
    std::uint32_t event_size = sizeof(EventInfo);
    std::uint32_t region_size = sizeof(RegionInfo);
    std::uint32_t wire_size = sizeof(WireInfo);

    constexpr TypeTable() = default;
    template <std::size_t N>
    constexpr explicit TypeTable(const TypeInfo (&rows)[N]) : types(rows), count(N) {}
};

/// The instance functions of a part of class T, which has a constructor T(Object&). A constructor neither throws nor
/// refuses; what can fail belongs into realize() or complete().
template <class T>
void* make_part(Object& object, const void*, Errors&) {
    return new T(object);
}
template <class T>
void free_part(Object&, void* part) {
    delete static_cast<T*>(part);
}
/// The row for an interface that class T derives from.
template <class T, class Interface>
constexpr InterfaceInfo offers() {
    return {Interface::kId,
            [](void* part) -> void* { return static_cast<Interface*>(static_cast<T*>(part)); }};
}

}  // namespace backplane
