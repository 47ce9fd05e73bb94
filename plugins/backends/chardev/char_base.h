// What all character backends have: one front at a time, whether somebody is at the other end, and a log of what
// went out.
#pragma once

#include "fd_stream.h"
#include "output_log.h"

#include <backplane/backend.h>
#include <backplane/char.h>
#include <backplane/property.h>

#include <array>

namespace backplane::chardev {

class CharBase : public CharBackend, public Completable {
  public:
    std::string log_file_;
    bool log_append_ = false;
    mutable std::string shown_;

    bool connect(CharFront* front) override;
    void disconnect(CharFront& front) override;
    std::size_t write(Bytes bytes) final;
    void accept_input() override {}
    void send_break() override {}
    bool complete(Errors& errors) final;
    void shut_down() final;
    /// What it leads to, as monitors show it: "pty:/dev/pts/3".
    virtual std::string description() const = 0;

  protected:
    explicit CharBase(Object& object) : object_(object) {}
    ~CharBase() = default;

    /// The properties are set.
    virtual bool start(Errors&) { return true; }
    /// The object goes, or start() failed half-way.
    virtual void stop() {}
    /// As CharBackend::write().
    virtual std::size_t send(Bytes bytes) = 0;

    BackendContext& context() const { return backend_context(object_); }
    std::string id() const { return std::string(object_.id().view()); }
    CharFront* front() const { return front_; }
    bool open() const { return open_; }
    /// Somebody came to the other end, or left it: the front hears.
    void set_open(bool open);
    /// "chardev 'ID': what happened: why", with the reason of errno; without an id, from "what" on.
    bool fail(Errors& errors, const std::string& what, int error = 0) const;

  private:
    Object& object_;
    CharFront* front_ = nullptr;
    bool open_ = false;
    OutputLog log_;
};

/// A backend whose bytes come from and go to descriptors.
class StreamChar : public CharBase, protected FdStream::Owner {
  public:
    bool connect(CharFront* front) override;
    void accept_input() override { stream_.accept_input(); }

  protected:
    using CharBase::CharBase;
    ~StreamChar() = default;
    void stop() override { stream_.close(); }
    std::size_t send(Bytes bytes) override { return stream_.write(bytes); }
    /// Takes over the descriptors; false and a reason when the host cannot watch them.
    bool open_stream(int input, int output, Errors& errors);
    std::size_t stream_room() override { return front() ? front()->can_receive() : 0; }
    void stream_bytes(MutableBytes bytes) override { front()->receive({bytes.data, bytes.size}); }
    void stream_ended() override {
        stream_.close();
        set_open(false);
    }
    void stream_writable() override {
        if (front()) front()->can_send();
    }

    FdStream stream_{*this};
};

/// A switch that may be left unsaid: std::optional<bool>.
template <auto Member>
constexpr PropertyInfo optional_flag(PropertyInfo info) {
    using Owner = typename MemberOf<Member>::Owner;
    info.kind = PropertyKind::Bool;
    info.set = [](void* part, const PropertyValue& value, Errors&) {
        static_cast<Owner*>(part)->*Member = value.boolean;
        return true;
    };
    info.get = [](const void* part, PropertyValue& value) {
        value.boolean = (static_cast<const Owner*>(part)->*Member).value_or(false);
    };
    return info;
}

/// A property that others have and Owner has not: on, or a value, is refused with the reason Owner::kAbsent.
template <class Owner>
constexpr PropertyInfo absent_property(const char* name) {
    return {.name = name,
            .kind = PropertyKind::String,
            .summary = "not there",
            .set = [](void*, const PropertyValue& value, Errors& errors) {
                if (value.text.empty() || value.text == Str("off")) return true;
                errors.fail(Owner::kAbsent);
                return false;
            }};
}

/// The properties of T, and those that all character devices have.
template <class T, std::size_t N>
constexpr std::array<PropertyInfo, N + 3> with_common(const std::array<PropertyInfo, N>& own) {
    std::array<PropertyInfo, N + 3> all{};
    for (std::size_t i = 0; i < N; ++i) all[i] = own[i];
    all[N] = {.name = "logfile",
              .kind = PropertyKind::String,
              .summary = "a file that gets a copy of the output",
              .set =
                  [](void* part, const PropertyValue& value, Errors&) {
                      static_cast<T*>(part)->log_file_ = value.text.view();
                      return true;
                  },
              .get = [](const void* part,
                        PropertyValue& value) { value.text = static_cast<const T*>(part)->log_file_; }};
    all[N + 1] = {
        .name = "logappend",
        .kind = PropertyKind::Bool,
        .summary = "keep what the logfile has",
        .default_text = "off",
        .set =
            [](void* part, const PropertyValue& value, Errors&) {
                static_cast<T*>(part)->log_append_ = value.boolean;
                return true;
            },
        .get = [](const void* part,
                  PropertyValue& value) { value.boolean = static_cast<const T*>(part)->log_append_; }};
    all[N + 2] = {.name = "filename",
                  .kind = PropertyKind::String,
                  .summary = "what it leads to",
                  .get = [](const void* part, PropertyValue& value) {
                      const auto& self = *static_cast<const T*>(part);
                      value.text = self.shown_ = self.description();
                  }};
    return all;
}
template <class T, std::size_t N>
constexpr std::array<PropertyInfo, N + 3> with_common(const PropertyInfo (&own)[N]) {
    return with_common<T>(std::to_array(own));
}
template <class T>
constexpr std::array<PropertyInfo, 3> common_properties() {
    return with_common<T>(std::array<PropertyInfo, 0>{});
}

}  // namespace backplane::chardev
