// Host ends for the tests of virtio devices: what a test sees of a block node, a netdev, a chardev and a source of
// entropy, and how it acts as one. They are types of a plugin of the tests.
#pragma once

#include <backplane/block.h>
#include <backplane/char.h>
#include <backplane/doorbells.h>
#include <backplane/messages.h>
#include <backplane/net.h>
#include <backplane/object.h>
#include <backplane/rng.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace backplane::testing {

/// 64 KiB of storage. While `hold` is set, requests wait in `held` until drain() or let_go().
class FakeBlock final : public BlockBackend {
  public:
    explicit FakeBlock(Object&) : data(64 << 10) {}

    std::uint64_t size() const override { return data.size(); }
    bool read_only() const override { return locked; }
    std::uint32_t logical_block_size() const override { return 512; }
    bool write_cache() const override { return true; }
    void submit(BlockRequest& request) override {
        operations.push_back(request.operation);
        if (hold) held.push_back(&request);
        else run(request);
    }
    void drain() override { let_go(); }
    bool claim(Str, BlockObserver* by, Errors& errors) override {
        if (observer) errors.fail("the node is in use");
        else observer = by;
        return observer == by;
    }
    void release() override { observer = nullptr; }

    virtual void let_go() {
        while (!held.empty()) {
            BlockRequest* request = held.front();
            held.erase(held.begin());
            run(*request);
        }
    }
    virtual void resize(std::size_t bytes) {
        data.resize(bytes);
        observer->block_resized();
    }

    std::vector<std::uint8_t> data;
    std::vector<BlockOperation> operations;
    std::vector<BlockRequest*> held;
    BlockObserver* observer = nullptr;
    bool hold = false;
    bool locked = false;
    BlockStatus answer = BlockStatus::Ok;

  private:
    void run(BlockRequest& request) {
        if (answer == BlockStatus::Ok) {
            std::uint64_t at = request.offset;
            for (const IoVector& vector : request.vectors) {
                if (request.operation == BlockOperation::Read)
                    std::memcpy(vector.data, &data[at], vector.size);
                if (request.operation == BlockOperation::Write)
                    std::memcpy(&data[at], vector.data, vector.size);
                at += vector.size;
            }
            if (request.operation == BlockOperation::WriteZeroes ||
                request.operation == BlockOperation::Discard)
                std::fill_n(data.begin() + std::ptrdiff_t(request.offset), request.size, std::uint8_t{0});
        }
        request.done(answer);
    }
};

class FakeNet final : public NetBackend {
  public:
    explicit FakeNet(Object&) {}
    bool connect(NetFront* to) override {
        if (to && front) return false;
        front = to;
        return true;
    }
    void send_frame(Bytes frame) override { sent.emplace_back(frame.begin(), frame.end()); }
    void accept_frames() override { ++accepts; }

    NetFront* front = nullptr;
    std::vector<std::vector<std::uint8_t>> sent;
    unsigned accepts = 0;
};

class FakeChar final : public CharBackend {
  public:
    explicit FakeChar(Object&) {}
    bool connect(CharFront* to) override {
        if (front) return false;
        front = to;
        return true;
    }
    void disconnect(CharFront& from) override {
        if (front == &from) front = nullptr;
    }
    std::size_t write(Bytes bytes) override {
        const std::size_t taken = std::min(bytes.size, room);
        room -= taken;
        written.append(reinterpret_cast<const char*>(bytes.data), taken);
        return taken;
    }
    void accept_input() override { ++accepts; }
    void send_break() override {}

    CharFront* front = nullptr;
    std::string written;
    std::size_t room = ~std::size_t{0};
    unsigned accepts = 0;
};

/// Counts up; has `left` bytes.
class FakeRng final : public RngBackend {
  public:
    explicit FakeRng(Object&) {}
    std::size_t fill(MutableBytes to) override {
        const std::size_t count = std::min(to.size, left);
        for (std::size_t i = 0; i < count; ++i) to[i] = ++next;
        left -= count;
        return count;
    }
    std::uint8_t next = 0;
    std::size_t left = ~std::size_t{0};
};

/// What an accelerator may offer: takes messages to the 16 bytes at kMessages, and doorbells.
class FakeShortWays final : public MessageSink, public Doorbells {
  public:
    static constexpr std::uint64_t kMessages = 0xfee00000;
    struct Route final : MessageRoute {
        Route(FakeShortWays& owner, int descriptor) : ways(owner), event(descriptor) {}
        bool set(const InterruptWrite& message) override {
            now = message;
            return running = ways.takes_routes;
        }
        void pause() override { running = false; }
        void release() override { std::erase(ways.routes, this), delete this; }

        FakeShortWays& ways;
        const int event;
        bool running = false;
        InterruptWrite now;
    };

    explicit FakeShortWays(Object&) {}
    bool takes(GuestAddress address) const override { return address.value - kMessages < 16; }
    void send(const InterruptWrite& message) override { sent.push_back(message); }
    MessageRoute* route(int event) override { return routes.emplace_back(new Route(*this, event)); }
    bool add(const Doorbell& doorbell) override {
        if (takes_doorbells) doorbells.push_back(read_sized(doorbell));
        return takes_doorbells;
    }
    void remove(int event) override {
        std::erase_if(doorbells, [=](const Doorbell& doorbell) { return doorbell.event == event; });
    }

    std::vector<InterruptWrite> sent;
    std::vector<Route*> routes;
    std::vector<Doorbell> doorbells;
    bool takes_routes = true, takes_doorbells = true;
};

}  // namespace backplane::testing
