#include "option.h"

#include "tables.h"

#include <lib/read_file.h>

#include <backplane/pci.h>
#include <backplane/text.h>

#include <algorithm>
#include <charconv>

namespace backplane::smbios {
namespace {

using enum FieldKind;

constexpr std::size_t kLongestFile = 0xffff;

constexpr const char* kDeviceKinds[] = {"other",     "unknown", "video", "scsi", "ethernet",
                                        "tokenring", "sound",   "pata",  "sata", "sas"};

constexpr std::uint64_t known_types() {
    std::uint64_t types = 0;
    for (const FieldRow& row : kFields) types |= row.types;
    return types;
}

bool refuse(Errors& errors, const std::string& reason) {
    errors.fail(reason);
    return false;
}

bool is_number(std::string_view text, std::uint64_t maximum) {
    const bool hexadecimal = text.starts_with("0x");
    if (hexadecimal) text.remove_prefix(2);
    std::uint64_t value = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value, hexadecimal ? 16 : 10);
    return error == std::errc() && end == text.data() + text.size() && value <= maximum;
}

bool is_release(std::string_view text) {
    const std::size_t dot = text.find('.');
    return dot != std::string_view::npos && is_number(text.substr(0, dot), 0xff) &&
           is_number(text.substr(dot + 1), 0xff);
}

/// What is wrong with the text; empty: nothing.
std::string problem_of(FieldKind kind, std::string_view text) {
    const auto number = [&](std::uint64_t maximum) {
        return is_number(text, maximum) ? "" : "expects a number from 0 to " + std::to_string(maximum);
    };
    switch (kind) {
    case Byte: return number(0xff);
    case Word: return number(0xffff);
    case Quad: return number(~std::uint64_t{0});
    case Switch: return text == "on" || text == "off" ? "" : "expects on or off";
    case Uuid: return parse_uuid(text) ? "" : "expects a UUID";
    case Release: return is_release(text) ? "" : "expects MAJOR.MINOR, each from 0 to 255";
    case DeviceKind:
        return std::ranges::find(kDeviceKinds, text) != std::end(kDeviceKinds) ? "" : "is no such kind";
    default: return {};
    }
}

/// `value` is a file's name; then it is what is in it.
bool take_from_file(std::string& value, Errors& errors) {
    std::vector<std::uint8_t> bytes;
    if (!read_file(std::string(value), kLongestFile, bytes, errors)) return false;
    value.assign(bytes.begin(), bytes.end());
    return true;
}

SmbiosTables* find_tables(Object& object) {
    if (void* found = object.part("smbios-tables")) return static_cast<SmbiosTables*>(found);
    for (std::size_t i = 0; i < object.child_count(); ++i)
        if (SmbiosTables* found = find_tables(*object.child_at(i))) return found;
    return nullptr;
}

}  // namespace

bool SmbiosOption::set_type(std::uint64_t type, Errors& errors) {
    if (type >= 64 || !(known_types() >> type & 1))
        return refuse(errors, "the types that can be filled in are 0, 1, 2, 3, 4, 8, 9, 11, 17 and 41; give "
                              "another one whole, with file=");
    type_ = unsigned(type);
    return true;
}

bool SmbiosOption::set_field(const FieldRow& row, Str text, Errors& errors) {
    std::string value(text.view());
    const std::string problem = problem_of(row.kind, value);
    if (!problem.empty()) return refuse(errors, problem + ", not '" + value + "'");
    if (row.kind == DeviceKind)
        value = std::to_string(std::ranges::find(kDeviceKinds, value) - std::begin(kDeviceKinds) + 1);
    given_.emplace_back(&row, std::move(value));
    return true;
}

bool SmbiosOption::complete(Errors& errors) {
    SmbiosTables* tables = find_tables(root_of(object_));
    if (!tables) return refuse(errors, "this machine shows its firmware no such tables");
    const bool added = file_.empty() ? add_fields(*tables, errors) : add_file(*tables, errors);
    return added && tables->publish(errors);
}

bool SmbiosOption::add_file(SmbiosTables& tables, Errors& errors) {
    if (type_ || !given_.empty())
        return refuse(errors, "property 'file' is a whole structure; nothing else goes with it");
    std::vector<std::uint8_t> bytes;
    if (!read_file(file_, kLongestFile, bytes, errors)) return false;
    ErrorText reason;
    const int type = type_of_structure(Bytes(bytes), reason);
    if (type < 0) return refuse(errors, "'" + file_ + "' " + reason.text());
    Wishes& wishes = tables.wishes();
    if (wishes.types.contains(unsigned(type)))
        return refuse(errors, "fields of type " + std::to_string(type) + " were given before; leave one out");
    wishes.ready.insert(wishes.ready.end(), bytes.begin(), bytes.end());
    wishes.ready_types[unsigned(type)] = true;
    return true;
}

bool SmbiosOption::add_fields(SmbiosTables& tables, Errors& errors) {
    if (!type_) return refuse(errors, "give type=, or file=");
    Wishes& wishes = tables.wishes();
    const std::string type = std::to_string(*type_);
    if (wishes.ready_types.contains(*type_))
        return refuse(errors, "a whole structure of type " + type + " was given before; leave one out");
    std::vector<Fields>* list = *type_ == kPort      ? &wishes.ports
                                : *type_ == kSlot    ? &wishes.slots
                                : *type_ == kOnboard ? &wishes.onboard
                                                     : nullptr;
    Fields& fields = list ? list->emplace_back() : wishes.types[*type_];
    for (auto& [row, value] : given_) {
        if (!(row->types >> *type_ & 1))
            return refuse(errors, "property '" + std::string(row->name) + "' is not one of type " + type);
        if (row->kind == Device && !find_device(fields, value, errors)) return false;
        if (row->kind == File && !take_from_file(value, errors)) return false;
        if (*type_ == kOemStrings) fields.strings.push_back(value);
        else fields.values[row->name] = value;
    }
    return true;
}

bool SmbiosOption::find_device(Fields& fields, const std::string& id, Errors& errors) {
    Object* object = backend_context(object_).find(id);
    auto* device = object ? query<PciDevice>(*object) : nullptr;
    if (!device) return refuse(errors, "property 'pcidev': there is no PCI device '" + id + "'");
    const PciAddress address = device->address();
    fields.bus = address.bus;
    fields.device_function = std::uint8_t(address.requester());
    return true;
}

}  // namespace backplane::smbios
