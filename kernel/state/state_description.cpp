#include "kernel/state/state_description.h"

#include <backplane/text.h>

#include <cstring>

namespace backplane::kernel {
namespace {

unsigned element_size(StateKind kind) {
    switch (kind) {
    case StateKind::Bool: return sizeof(bool);
    case StateKind::U8:
    case StateKind::Bytes: return 1;
    case StateKind::U16: return 2;
    case StateKind::U32: return 4;
    case StateKind::U64:
    case StateKind::Timer: return 8;
    case StateKind::Variable: return 0;
    }
    return 1;
}

std::uint64_t element(const StateField& field, const std::uint8_t* data, std::size_t index) {
    std::uint64_t value = 0;
    const unsigned size = element_size(field.kind);
    std::memcpy(&value, data + index * size, size);
    return value;
}

/// The header that stands before a field's bytes in a saved image.
std::string signature(const StateField& field) {
    return std::string(field.name.view()) + ":" + std::to_string(int(field.kind)) + ":" +
           std::to_string(field.count);
}

}  // namespace

void StateDescription::add(const StateField& field) { fields_.push_back(field); }

StateTable& StateDescription::group(const StateGroup& group) {
    groups_.push_back({group, std::make_unique<StateDescription>()});
    return *groups_.back().fields;
}

void StateDescription::set_version(std::uint16_t version, std::uint16_t oldest) {
    version_ = version;
    oldest_ = oldest;
}

void StateDescription::reset_at(std::ptrdiff_t shift) {
    for (const StateField& field : fields_) {
        if (!field.reset) continue;
        auto* data = static_cast<std::uint8_t*>(field.data) + shift;
        if (field.kind == StateKind::Timer) {
            if (Timer* timer = *reinterpret_cast<Timer**>(data)) timer->cancel();
            continue;
        }
        if (field.kind == StateKind::Variable) {
            field.access->load(data, {});
            continue;
        }
        const unsigned size = element_size(field.kind);
        for (std::size_t i = 0; i < field.count; ++i) std::memcpy(data + i * size, &field.reset_value, size);
    }
    for (Group& group : groups_)
        for (std::uint32_t i = 0; i < group.info.count; ++i)
            group.fields->reset_at(shift + std::ptrdiff_t(i) * group.info.stride);
}

void StateDescription::dump_at(std::ptrdiff_t shift, const std::string& prefix, TextSink& out) const {
    for (const StateField& field : fields_) {
        const auto* data = static_cast<const std::uint8_t*>(field.data) + shift;
        std::string line = prefix + std::string(field.name.view()) + " =";
        if (field.kind == StateKind::Timer) {
            const Timer* timer = *reinterpret_cast<Timer* const*>(data);
            line += timer && timer->armed() ? " " + std::to_string(timer->deadline()) + " ns" : " not armed";
        } else if (field.kind == StateKind::Variable) {
            line += " (" + std::to_string(field.access->size(data)) + " bytes)";
        } else {
            const std::size_t shown = field.kind == StateKind::Bytes && field.count > 64 ? 64 : field.count;
            for (std::size_t i = 0; i < shown; ++i) line += " 0x" + hex(element(field, data, i));
            if (shown < field.count) line += " … (" + std::to_string(field.count) + " bytes)";
        }
        out.append(line + "\n");
    }
    for (const Group& group : groups_)
        for (std::uint32_t i = 0; i < group.used(); ++i)
            group.fields->dump_at(shift + std::ptrdiff_t(i) * group.info.stride,
                                  prefix + std::string(group.info.name.view()) +
                                      (group.info.count > 1 ? "[" + std::to_string(i) + "]." : "."),
                                  out);
}

std::vector<std::uint8_t> StateDescription::save() const {
    std::vector<std::uint8_t> saved;
    const auto put = [&](const void* data, std::size_t size) {
        const auto* bytes = static_cast<const std::uint8_t*>(data);
        saved.insert(saved.end(), bytes, bytes + size);
    };
    for (const StateField& field : fields_) {
        const std::string name = signature(field);
        const auto length = std::uint16_t(name.size());
        put(&length, sizeof length);
        put(name.data(), name.size());
        put(field.data, std::size_t{element_size(field.kind)} * field.count);
    }
    return saved;
}

bool StateDescription::load(Bytes saved, Errors& errors) {
    // Checked whole before anything is changed.
    for (const bool apply : {false, true}) {
        std::size_t at = 0;
        for (const StateField& field : fields_) {
            const std::string name = signature(field);
            const std::size_t size = std::size_t{element_size(field.kind)} * field.count;
            std::uint16_t length = 0;
            if (saved.size - at < sizeof length) {
                errors.fail("the saved state ends before field '" + name + "'");
                return false;
            }
            std::memcpy(&length, saved.data + at, sizeof length);
            at += sizeof length;
            if (saved.size - at < length ||
                std::string_view(reinterpret_cast<const char*>(saved.data + at), length) != name) {
                errors.fail("the saved state has another field where '" + name + "' is expected");
                return false;
            }
            at += length;
            if (saved.size - at < size) {
                errors.fail("the saved state ends within field '" + name + "'");
                return false;
            }
            if (apply) std::memcpy(field.data, saved.data + at, size);
            at += size;
        }
        if (at != saved.size) {
            errors.fail("the saved state is longer than this device's");
            return false;
        }
    }
    return true;
}

}  // namespace backplane::kernel
