// The models for management tools: query-cpu-definitions and query-cpu-model-expansion.
#include "listing.h"

#include "../x86_cpu.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace backplane::x86 {

namespace {

const ModelType* find_model(const std::string& name) {
    for (std::size_t i = 0; const ModelType* each = model_type_at(i); ++i)
        if (name == each->name) return each;
    return nullptr;
}

/// In the order of their words and bits.
std::vector<const char*> names_of(const Features& features) {
    std::vector<const Feature*> all;
    for (const Feature& feature : kFeatures)
        if (features.has(feature)) all.push_back(&feature);
    std::ranges::sort(all, {}, [](const Feature* f) { return std::pair(f->word, f->bit); });
    std::vector<const char*> names;
    for (const Feature* feature : all) names.push_back(feature->name);
    return names;
}

Json definition(const ModelType& each, const ProcessorSupport& support) {
    const Model& model = *each.model;
    const bool host_only = model.kind == Model::Kind::Host && !support.runs_on_host();
    Features missing = resolve(model).features;
    const Features given = supported_features(support);
    for (std::size_t i = 0; i < kWordCount; ++i) missing.words[i] &= ~given.words[i];
    Json unavailable = host_only ? Json::array({"kvm"}) : Json(names_of(missing));
    const bool base = !std::strcmp(each.name, "base");
    Json row{{"name", each.name}, {"typename", each.type}, {"unavailable-features", unavailable}};
    if (each.alias_of) row["alias-of"] = each.alias_of;
    row["static"] = base;
    row["migration-safe"] = model.kind == Model::Kind::Named;
    row["deprecated"] = false;
    return row;
}

/// What a static model consists of, beside the features and the controls that are named for themselves.
constexpr std::string_view kIdentity[] = {"family", "model", "stepping", "vendor", "model-id"};

bool is_identity(std::string_view name) { return std::ranges::find(kIdentity, name) != std::end(kIdentity); }

bool is_feature(std::string_view name) { return find_feature(name) || name.starts_with("vmx-"); }

/// False and a reason when `value` is nothing that the property takes.
bool set_member(Object& processor, const std::string& name, const Json& value, std::string& problem) {
    const Slice<const PropertyInfo> all = processor_properties();
    const auto info = std::ranges::find_if(all, [&](const PropertyInfo& each) { return name == each.name; });
    if (info == all.end()) {
        problem = "Property '" + std::string(processor.type_name().view()) + "." + name + "' not found";
        return false;
    }
    const bool flag = info->kind == PropertyKind::Bool;
    const bool number = info->kind == PropertyKind::Int || info->kind == PropertyKind::UInt;
    if (flag != value.is_boolean() || number != value.is_number_integer() ||
        (!flag && !number && !value.is_string())) {
        problem = "Invalid parameter type for 'model.props." + name + "', expected: " +
                  (flag     ? "boolean"
                   : number ? "integer"
                            : "string");
        return false;
    }
    // What a processor of this program has not got anyway need not be taken from it.
    if (flag && !value.get<bool>() && name.starts_with("vmx-")) return true;
    ErrorText errors;
    const std::string text = flag     ? (value.get<bool>() ? "on" : "off")
                             : number ? json_text(value)
                                      : value.get<std::string>();
    if (processor.set_property(name, text, errors)) return true;
    problem = errors.text();
    return false;
}

Json value_of(Object& processor, const PropertyInfo& info) {
    IgnoredErrors none;
    TextBuffer text;
    if (!processor.get_property(info.name, text, none)) return nullptr;
    if (info.kind == PropertyKind::Bool) return text.text() == "on";
    if (info.kind == PropertyKind::Int || info.kind == PropertyKind::UInt) {
        Json number = parse_json(text.text());
        if (number.is_number()) return number;
    }
    return text.text();
}

Json properties_of(Object& processor, bool all) {
    Json props = Json::object();
    for (const PropertyInfo& info : processor_properties())
        if (all || is_feature(info.name) || is_identity(info.name)) {
            Json value = value_of(processor, info);
            if (!value.is_null()) props[info.name] = std::move(value);
        }
    const auto& part = *static_cast<X86Cpu*>(processor.part(kProcessorType));
    props["min-level"] = part.settings_.level.value_or(part.model().level);
    props["min-xlevel"] = part.settings_.xlevel.value_or(part.model().xlevel);
    return props;
}

}  // namespace

void X86Listing::list_models(CommandReply& reply) const {
    Json list = Json::array();
    for (std::size_t i = 0; const ModelType* each = model_type_at(i); ++i)
        list.push_back(definition(*each, any_processor()->support()));
    reply.succeed(json_text(list));
}

/// A processor of the model is made, looked at, and goes again.
void X86Listing::expand(const Json& given, CommandReply& reply) {
    const Json& wanted = given["model"];
    const std::string name =
        wanted.contains("name") && wanted["name"].is_string() ? wanted["name"].get<std::string>() : "";
    if (name.empty()) return reply.fail("Parameter 'model.name' is missing");
    const ModelType* type = find_model(name);
    if (!type) return reply.fail("CPU model '" + name + "' not found");
    const Json props = wanted.value("props", Json::object());
    if (!props.is_object()) return reply.fail("Invalid parameter type for 'model.props', expected: object");
    ErrorText errors;
    Object* processor = object_.create_child(type->type, "model", errors);
    if (!processor) return reply.fail(errors.text());
    static_cast<X86Cpu*>(processor->part(kProcessorType))->take_all_of(any_processor()->support());
    std::string problem;
    for (const auto& [member, value] : props.items())
        if (problem.empty() && member != "min-level" && member != "min-xlevel")
            set_member(*processor, member, value, problem);
    const bool all = given["type"] == "full";
    Json model{{"name", all ? name : "base"}, {"props", properties_of(*processor, all)}};
    // The model 'base' has none: who expands a model once more has them among what differs.
    for (const char* level : {"min-level", "min-xlevel"})
        if (props.contains(level)) model["props"][level] = props[level];
    object_.destroy_child(*processor);
    if (!problem.empty()) return reply.fail(problem);
    reply.succeed(json_text({{"model", model}}));
}

}  // namespace backplane::x86
