// Loading a table's saved image: by name, all of it checked before any of it is applied.
#include "kernel/state/image_tag.h"
#include "kernel/state/state_description.h"
#include "kernel/state/state_field.h"

#include <algorithm>

namespace backplane::kernel {

namespace {

constexpr unsigned kDeepest = 8;

/// Where reading stands. What would pass the end gives zeros and is remembered.
struct Cursor {
    Bytes image;
    std::size_t at = 0;
    bool short_ = false;

    Bytes take(std::size_t size) {
        if (size > image.size - at) {
            short_ = true;
            at = image.size;
            return {};
        }
        at += size;
        return {image.data + at - size, size};
    }
    template <class T>
    T number() {
        T value{};
        const Bytes bytes = take(sizeof value);
        if (bytes.size) std::memcpy(&value, bytes.data, sizeof value);
        return value;
    }
};

struct Item {
    std::uint8_t tag = 0;
    Str name;
};

Item next_item(Cursor& in) {
    Item item;
    item.tag = in.number<std::uint8_t>();
    const Bytes name = in.take(in.number<std::uint8_t>());
    item.name = Str(reinterpret_cast<const char*>(name.data), name.size);
    return item;
}

/// Steps over what follows an item's head; false when it cannot be understood.
bool skip(Cursor& in, std::uint8_t tag, unsigned depth = 0) {
    if (image_tag::integers(tag)) in.take(std::size_t{in.number<std::uint32_t>()} * tag);
    else if (tag == image_tag::kBytes) in.take(in.number<std::uint32_t>());
    else if (tag == image_tag::kTimer) in.take(8);
    else if (tag != image_tag::kGroup || depth == kDeepest) return false;
    else
        for (std::uint32_t elements = in.number<std::uint32_t>(); elements > 0 && !in.short_; --elements) {
            in.take(2);
            for (std::uint16_t items = in.number<std::uint16_t>(); items > 0 && !in.short_; --items)
                if (!skip(in, next_item(in).tag, depth + 1)) return false;
        }
    return !in.short_;
}

std::uint64_t saved_integer(Bytes bytes, std::size_t index, unsigned width, bool is_signed) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data + index * width, width);
    if (!is_signed || width == 8) return value;
    const unsigned unused = 64 - 8 * width;
    return std::uint64_t(std::int64_t(value << unused) >> unused);
}

}  // namespace

/// One walk over an image. Without an Errors sink it applies what such a walk with one found good.
class StateDescription::Loading {
  public:
    Loading(Bytes image, Errors* errors) : in_{image}, errors_(errors) {}

    bool whole(const StateDescription& table) {
        if (!this->table(table, 0, {})) return false;
        return in_.at == in_.image.size || refuse({}, "bytes behind its end");
    }

  private:
    bool applying() const { return !errors_; }
    bool refuse(const std::string& where, const std::string& what) {
        if (errors_) errors_->fail(where.empty() ? what : "'" + where + "': " + what);
        return false;
    }
    bool cut(const std::string& where) { return refuse(where, "the saved state ends here"); }

    bool table(const StateDescription& table, std::ptrdiff_t shift, const std::string& where) {
        const auto version = in_.number<std::uint16_t>();
        const auto items = in_.number<std::uint16_t>();
        if (in_.short_) return cut(where);
        if (version > table.version_ || version < table.oldest_)
            return refuse(where, "saved as version " + std::to_string(version) + ", and this host loads " +
                                     std::to_string(table.oldest_) + " to " + std::to_string(table.version_));
        const std::string prefix = where.empty() ? "" : where + ".";
        std::vector<bool> fields(table.fields_.size()), groups(table.groups_.size());
        for (std::uint16_t i = 0; i < items; ++i)
            if (!item(table, shift, prefix, fields, groups)) return false;
        return missing(table, shift, version, prefix, fields, groups);
    }

    bool item(const StateDescription& table, std::ptrdiff_t shift, const std::string& prefix,
              std::vector<bool>& fields, std::vector<bool>& groups) {
        const Item item = next_item(in_);
        const std::string where = prefix + std::string(item.name.view());
        if (in_.short_) return cut(where);
        const auto named = [&](Str name) { return name == item.name; };
        const auto field = std::ranges::find_if(table.fields_, named, &StateField::name);
        const auto group =
            std::ranges::find_if(table.groups_, named, [](const Group& g) { return g.info.name; });
        if (field != table.fields_.end()) {
            if (found(fields, std::size_t(field - table.fields_.begin())))
                return load_field(*field, shift, item.tag, where);
        } else if (group != table.groups_.end()) {
            if (found(groups, std::size_t(group - table.groups_.begin())))
                return load_group(*group, shift, item.tag, where);
        } else if (std::ranges::any_of(table.forgotten_, named)) {
            return skip(in_, item.tag) || cut(where);
        } else {
            return refuse(where, "saved by a host that has it; here there is no such field");
        }
        return refuse(where, "saved twice");
    }
    static bool found(std::vector<bool>& which, std::size_t index) {
        if (which[index]) return false;
        which[index] = true;
        return true;
    }

    bool missing(const StateDescription& table, std::ptrdiff_t shift, std::uint16_t version,
                 const std::string& prefix, const std::vector<bool>& fields,
                 const std::vector<bool>& groups) {
        for (std::size_t i = 0; i < fields.size(); ++i) {
            const StateField& field = table.fields_[i];
            if (fields[i]) continue;
            if (field.since <= version)
                return refuse(prefix + std::string(field.name.view()), "missing in the saved state");
            if (applying()) state_field::reset(field, shift);
        }
        for (std::size_t i = 0; i < groups.size(); ++i) {
            const Group& group = table.groups_[i];
            if (groups[i]) continue;
            if (group.info.since <= version && !group.info.present)
                return refuse(prefix + std::string(group.info.name.view()), "missing in the saved state");
            if (applying()) reset_elements(group, shift, 0);
        }
        return true;
    }

    /// Elements from `first` on get their reset values; `first` are in use.
    static void reset_elements(const Group& group, std::ptrdiff_t shift, std::uint32_t first) {
        for (std::uint32_t i = first; i < group.info.count; ++i)
            group.fields->reset_at(shift + std::ptrdiff_t(i) * group.info.stride, Reset::All);
        if (group.info.used)
            std::memcpy(reinterpret_cast<char*>(group.info.used) + shift, &first, sizeof first);
    }

    bool load_group(const Group& group, std::ptrdiff_t shift, std::uint8_t tag, const std::string& where) {
        if (tag != image_tag::kGroup) return refuse(where, "saved as a field, and a group here");
        const auto elements = in_.number<std::uint32_t>();
        if (in_.short_) return cut(where);
        if (group.info.used ? elements > group.info.count : elements != group.info.count)
            return refuse(where, count_text(elements, group.info.count));
        for (std::uint32_t i = 0; i < elements; ++i)
            if (!table(*group.fields, shift + std::ptrdiff_t(i) * group.info.stride,
                       group.info.count > 1 ? where + "[" + std::to_string(i) + "]" : where))
                return false;
        if (applying()) reset_elements(group, shift, elements);
        return true;
    }

    static std::string count_text(std::uint64_t saved, std::uint64_t here) {
        return std::to_string(saved) + " in the saved state, " + std::to_string(here) +
               " here; start the machine with the options that it was saved with";
    }

    bool load_field(const StateField& field, std::ptrdiff_t shift, std::uint8_t tag,
                    const std::string& where) {
        switch (field.kind) {
        case StateKind::Timer: return load_timer(field, shift, tag, where);
        case StateKind::Bytes:
        case StateKind::Variable: return load_bytes(field, shift, tag, where);
        default: return load_integers(field, shift, tag, where);
        }
    }

    bool load_timer(const StateField& field, std::ptrdiff_t shift, std::uint8_t tag,
                    const std::string& where) {
        if (tag != image_tag::kTimer) return refuse(where, "a timer here, and saved as something else");
        const auto deadline = in_.number<std::uint64_t>();
        if (in_.short_) return cut(where);
        if (applying()) state_field::set_deadline(field, shift, deadline);
        else if (deadline != ~std::uint64_t{0} && !state_field::timer(field, shift))
            return refuse(where, "its timer was never created, which is a fault of the part");
        return true;
    }

    bool load_bytes(const StateField& field, std::ptrdiff_t shift, std::uint8_t tag,
                    const std::string& where) {
        if (tag != image_tag::kBytes) return refuse(where, "bytes here, and saved as something else");
        const auto size = in_.number<std::uint32_t>();
        const Bytes bytes = in_.take(size);
        if (in_.short_) return cut(where);
        if (field.kind == StateKind::Bytes) {
            if (size != field.count) return refuse(where, count_text(size, field.count));
            if (applying()) std::memcpy(state_field::data_at(field, shift), bytes.data, size);
            return true;
        }
        if (size > field.access->maximum || size % field.access->unit != 0)
            return refuse(where, std::to_string(size) + " bytes, which it cannot have");
        if (applying()) field.access->load(state_field::data_at(field, shift), bytes);
        return true;
    }

    bool load_integers(const StateField& field, std::ptrdiff_t shift, std::uint8_t tag,
                       const std::string& where) {
        if (!image_tag::integers(tag)) return refuse(where, "a number here, and saved as something else");
        const auto count = in_.number<std::uint32_t>();
        const Bytes bytes = in_.take(std::size_t{count} * tag);
        if (in_.short_) return cut(where);
        if (count != field.count) return refuse(where, count_text(count, field.count));
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint64_t value = saved_integer(bytes, i, tag, state_field::is_signed(field.kind));
            if (applying()) state_field::set_element(field, shift, i, value);
            else if (!state_field::fits(field, value))
                return refuse(where, "the saved value " + std::to_string(value) + " does not fit");
        }
        return true;
    }

    Cursor in_;
    Errors* errors_;
};

bool StateDescription::check(Bytes saved, Errors& errors) const {
    return Loading(saved, &errors).whole(*this);
}
void StateDescription::apply(Bytes saved) { Loading(saved, nullptr).whole(*this); }

}  // namespace backplane::kernel
