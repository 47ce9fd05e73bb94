#include "kernel/state/state_description.h"

#include "kernel/state/image_tag.h"
#include "kernel/state/state_field.h"

#include <algorithm>

namespace backplane::kernel {
namespace {

template <class T>
void put(std::vector<std::uint8_t>& image, T value) {
    for (std::size_t i = 0; i < sizeof value; ++i) image.push_back(std::uint8_t(value >> 8 * i));
}

void put_head(std::vector<std::uint8_t>& image, std::uint8_t tag, Str name) {
    image.push_back(tag);
    image.push_back(std::uint8_t(name.size));
    image.insert(image.end(), name.data, name.data + name.size);
}

void save_field(const StateField& field, std::ptrdiff_t shift, std::vector<std::uint8_t>& image) {
    namespace value = state_field;
    switch (field.kind) {
    case StateKind::Timer:
        put_head(image, image_tag::kTimer, field.name);
        put(image, value::deadline(field, shift));
        return;
    case StateKind::Variable: {
        const std::uint8_t* data = value::data_at(field, shift);
        const std::uint64_t size = std::min<std::uint64_t>(field.access->size(data), field.access->maximum);
        put_head(image, image_tag::kBytes, field.name);
        put(image, std::uint32_t(size));
        image.resize(image.size() + size);
        field.access->save(data, {image.data() + image.size() - size, std::size_t(size)});
        return;
    }
    case StateKind::Bytes: put_head(image, image_tag::kBytes, field.name); break;
    default: put_head(image, std::uint8_t(value::width(field.kind)), field.name);
    }
    put(image, field.count);
    const std::uint8_t* data = value::data_at(field, shift);
    image.insert(image.end(), data, data + std::size_t{field.count} * value::width(field.kind));
}

}  // namespace

std::uint32_t used_elements(const StateGroup& group, std::ptrdiff_t shift) {
    if (!group.used) return group.count;
    std::uint32_t used = 0;
    std::memcpy(&used, reinterpret_cast<const char*>(group.used) + shift, sizeof used);
    return std::min(used, group.count);
}

bool StateDescription::known(Str name) const {
    return std::ranges::any_of(fields_, [&](const StateField& f) { return f.name == name; }) ||
           std::ranges::any_of(groups_, [&](const Group& g) { return g.info.name == name; });
}

bool StateDescription::acceptable(Str name) {
    std::string& fault = top_->fault_;
    const std::string shown = "'" + std::string(name.view()) + "'";
    if (name.empty() || name.size > 255) fault = "a name of " + std::to_string(name.size) + " bytes";
    else if (known(name)) fault = "two of the name " + shown;
    else return true;
    return false;
}

void StateDescription::add(const StateField& given) {
    StateField field;
    std::memcpy(static_cast<void*>(&field), &given, std::min<std::size_t>(given.struct_size, sizeof field));
    if (!acceptable(field.name)) return;
    if (field.kind > StateKind::Variable)
        top_->fault_ = "'" + std::string(field.name.view()) + "' of a kind that this host does not know";
    else if (!field.data || (field.kind == StateKind::Variable && !field.access))
        top_->fault_ = "nothing behind '" + std::string(field.name.view()) + "'";
    else fields_.push_back(field);
}

StateTable& StateDescription::group(const StateGroup& given) {
    StateGroup group;
    std::memcpy(static_cast<void*>(&group), &given, std::min<std::size_t>(given.struct_size, sizeof group));
    if (acceptable(group.name) && group.count > 1 && group.stride == 0)
        top_->fault_ = "no stride in '" + std::string(group.name.view()) + "'";
    groups_.push_back({group, std::make_unique<StateDescription>()});
    groups_.back().fields->top_ = top_;
    return *groups_.back().fields;
}

void StateDescription::set_version(std::uint16_t version, std::uint16_t oldest) {
    version_ = version;
    oldest_ = oldest;
}

void StateDescription::reset_at(std::ptrdiff_t shift, Reset which) {
    for (const StateField& field : fields_)
        if (field.reset || which == Reset::All) state_field::reset(field, shift);
    for (Group& group : groups_) {
        for (std::uint32_t i = 0; i < group.info.count; ++i)
            group.fields->reset_at(shift + std::ptrdiff_t(i) * group.info.stride, which);
        if (group.info.used && (group.info.reset || which == Reset::All))
            std::memset(reinterpret_cast<char*>(group.info.used) + shift, 0, sizeof *group.info.used);
    }
}

void StateDescription::dump_at(std::ptrdiff_t shift, const std::string& prefix, TextSink& out) const {
    for (const StateField& field : fields_)
        out.append(prefix + std::string(field.name.view()) + " =" + state_field::text(field, shift) + "\n");
    for (const Group& group : groups_) {
        const std::uint32_t used = used_elements(group.info, shift);
        for (std::uint32_t i = 0; i < used; ++i)
            group.fields->dump_at(shift + std::ptrdiff_t(i) * group.info.stride,
                                  prefix + std::string(group.info.name.view()) +
                                      (group.info.count > 1 ? "[" + std::to_string(i) + "]." : "."),
                                  out);
    }
}

std::vector<std::uint8_t> StateDescription::save() const {
    std::vector<std::uint8_t> image;
    save_at(0, image);
    return image;
}

void StateDescription::save_at(std::ptrdiff_t shift, std::vector<std::uint8_t>& image) const {
    const auto present = [](const Group& group) {
        return !group.info.present || group.info.present(group.info.context);
    };
    put(image, version_);
    put(image, std::uint16_t(fields_.size() + std::size_t(std::ranges::count_if(groups_, present))));
    for (const StateField& field : fields_) save_field(field, shift, image);
    for (const Group& group : groups_) {
        if (!present(group)) continue;
        const std::uint32_t used = used_elements(group.info, shift);
        put_head(image, image_tag::kGroup, group.info.name);
        put(image, used);
        for (std::uint32_t i = 0; i < used; ++i)
            group.fields->save_at(shift + std::ptrdiff_t(i) * group.info.stride, image);
    }
}

bool StateDescription::load(Bytes saved, Errors& errors) {
    if (!check(saved, errors)) return false;
    apply(saved);
    return true;
}

}  // namespace backplane::kernel
