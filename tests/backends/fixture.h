// What the tests of host backends share: a bench, its lock, and fronts that remember.
#pragma once

#include <backplane/backend.h>
#include <backplane/char.h>
#include <backplane/draft/address_space.h>
#include <backplane/testing/bench.h>

#include <functional>
#include <mutex>

#include <fcntl.h>
#include <unistd.h>

namespace backplane::test {

/// A machine without a board, in which backends are made by their type names.
class BackendBench {
  public:
    testing::DeviceBench bench;

    Object& add(std::string_view type, std::string_view id, const testing::Properties& properties = {}) {
        Object& object = bench.add(type, id, properties);
        lock_ = static_cast<MachineLock*>(backend_context(object).host_interface(MachineLock::kId));
        return object;
    }
    template <class Interface>
    Interface& make(std::string_view type, std::string_view id, const testing::Properties& properties = {}) {
        return *query<Interface>(add(type, id, properties));
    }
    std::string refusal(std::string_view type, const testing::Properties& properties = {}) {
        return bench.try_add(type, "refused", properties);
    }
    /// Calls into a backend hold the machine lock.
    template <class Call>
    auto locked(const Call& call) {
        const std::lock_guard guard(*lock_);
        return call();
    }
    MachineLock& lock() { return *lock_; }
    /// Runs the host loop until `done`; false after ten seconds.
    bool run_until(const std::function<bool()>& done) {
        return bench.run_until(
            [](void* data) { return (*static_cast<const std::function<bool()>*>(data))(); },
            const_cast<std::function<bool()>*>(&done));
    }

  private:
    MachineLock* lock_ = nullptr;
};

class RecordingFront final : public CharFront {
  public:
    std::size_t can_receive() override { return room; }
    void receive(Bytes bytes) override {
        text.append(reinterpret_cast<const char*>(bytes.data), bytes.size);
        room -= bytes.size;
    }
    void char_event(CharEvent event) override { events.push_back(event); }
    void can_send() override { ++send_calls; }

    std::size_t room = 1 << 20;
    std::string text;
    std::vector<CharEvent> events;
    int send_calls = 0;
};

inline Bytes bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// A file that goes with the test.
class TemporaryFile {
  public:
    explicit TemporaryFile(std::string_view contents = {}) {
        char name[] = "/tmp/backplane-test.XXXXXX";
        const int fd = mkstemp(name);
        path_ = name;
        if (::write(fd, contents.data(), contents.size()) != ssize_t(contents.size())) path_.clear();
        ::close(fd);
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() { unlink(path_.c_str()); }

    const std::string& path() const { return path_; }
    std::string contents() const {
        std::string text;
        char buffer[4096];
        const int fd = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
        for (ssize_t count; (count = ::read(fd, buffer, sizeof buffer)) > 0;)
            text.append(buffer, std::size_t(count));
        ::close(fd);
        return text;
    }

  private:
    std::string path_;
};

}  // namespace backplane::test
