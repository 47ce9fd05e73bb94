// What all character backends have: one front at a time, and whether somebody is at the other end.
#pragma once

#include "fd_stream.h"

#include <backplane/backend.h>
#include <backplane/char.h>
#include <backplane/property.h>

namespace backplane::chardev {

class CharBase : public CharBackend, public Completable {
  public:
    bool connect(CharFront* front) override;
    void disconnect(CharFront& front) override;
    void accept_input() override {}
    void send_break() override {}
    bool complete(Errors&) override { return true; }
    void shut_down() override {}

  protected:
    explicit CharBase(Object& object) : object_(object) {}
    ~CharBase() = default;

    BackendContext& context() { return backend_context(object_); }
    std::string id() const { return std::string(object_.id().view()); }
    CharFront* front() const { return front_; }
    bool open() const { return open_; }
    /// Somebody came to the other end, or left it: the front hears.
    void set_open(bool open);
    /// "chardev 'ID': what happened: why", with the reason of errno.
    bool fail(Errors& errors, const std::string& what, int error = 0) const;

  private:
    Object& object_;
    CharFront* front_ = nullptr;
    bool open_ = false;
};

/// A backend whose bytes come from and go to descriptors.
class StreamChar : public CharBase, protected FdStream::Owner {
  public:
    bool connect(CharFront* front) override;
    std::size_t write(Bytes bytes) override { return stream_.write(bytes); }
    void accept_input() override { stream_.accept_input(); }
    void shut_down() override { stream_.close(); }

  protected:
    using CharBase::CharBase;
    ~StreamChar() = default;
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

}  // namespace backplane::chardev
