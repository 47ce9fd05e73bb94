// A board whose host's ends are fakes and whose time is the test's, to be saved, loaded and compared: a RISC-V virt
// board, or a PC whose processors execute nothing.
#pragma once

#include "kernel/machine/device_host.h"
#include "kernel/machine/machine_parts.h"

#include "boards/board_bench.h"
#include "boards/saved/places.h"
#include "devices/virtio/fakes.h"
#include "kernel/snapshot/memory_channel.h"

#include <filesystem>
#include <fstream>
#include <mutex>

#include <unistd.h>

namespace backplane::testing {

/// A file of zeros, for as long as the process: firmware that no processor runs.
class BlankFirmware {
  public:
    static std::string path() {
        static const BlankFirmware file;
        return file.path_;
    }

  private:
    BlankFirmware()
        : path_(std::filesystem::temp_directory_path() / ("blank-firmware-" + std::to_string(getpid()))) {
        std::ofstream(path_) << std::string(64 << 10, '\0');
    }
    ~BlankFirmware() { std::filesystem::remove(path_); }

    std::filesystem::path path_;
};

class SavedBoard {
  public:
    /// `devices` may link to the backends "node", "wire", "stream" and "source"; the UART has "terminal".
    static BoardOptions options() {
        BoardOptions options{.machine = "riscv-virt-machine", .cpu = "rv64-riscv-cpu"};
        options.properties = {{"aclint", "on"}, {"firmware", "none"}};
        options.ram_size = 16 << 20;
        options.topology = {.cpus = 2, .max_cpus = 2, .sockets = 1, .clusters = 1, .cores = 2, .threads = 1};
        add_host(options);
        return options;
    }
    static BoardOptions pc_options() {
        BoardOptions options{.machine = "pc-i440fx-11.1-machine",
                             .cpu = "qemu64-v1-x86_64-cpu",
                             .accelerator = "qtest",
                             .accelerator_properties = {{"chardev", "test"}}};
        options.properties = {{"firmware", BlankFirmware::path()}};
        options.ram_size = 16 << 20;
        options.topology = {.cpus = 2, .max_cpus = 2, .sockets = 1, .clusters = 1, .cores = 2, .threads = 1};
        add_host(options);
        options.backends.push_back({"fake-char", "test", {}, "backends"});
        options.backends.push_back({"blockdev-empty", "floppy0", {}, "backends"});
        options.drives = {{"floppy", 0, "floppy0"}};
        return options;
    }
    explicit SavedBoard(const BoardOptions& options)
        : bench(options),
          lock_(bench.machine().lock()),
          places_(options.machine.starts_with("pc-") ? kPc : kVirt) {
        constexpr std::int64_t kDate = 1'700'000'000'000'000'000;
        bench.machine().loop().set_rtc(
            {.base = kernel::RtcOptions::Base::Date, .date_ns = kDate, .virtual_clock = true});
        clock().set_manual(true);
        for (FakeChar* chars : {&stream(), &terminal()})
            if (chars->front) chars->front->char_event(CharEvent::Opened);
    }

    kernel::MachineParts& parts() { return bench.machine().parts(); }
    const Places& places() const { return places_; }
    std::uint64_t in(std::uint64_t port, unsigned size) {
        Access access;
        return parts().memory.io_ports().load(GuestAddress(port), size, access);
    }
    void out(std::uint64_t port, std::uint64_t value, unsigned size) {
        Access access;
        parts().memory.io_ports().store(GuestAddress(port), value, size, access);
    }
    /// `function` is device << 3 | function, on bus 0.
    std::uint64_t config(unsigned function, unsigned offset, unsigned size) {
        if (places_.ecam) return bench.load(places_.ecam + (function << 12) + offset, size);
        out(kConfigAddress, 0x80000000 | function << 8 | (offset & ~3u), 4);
        return in(kConfigData + offset % 4, size);
    }
    void set_config(unsigned function, unsigned offset, std::uint64_t value, unsigned size) {
        if (places_.ecam) return bench.store(places_.ecam + (function << 12) + offset, value, size);
        out(kConfigAddress, 0x80000000 | function << 8 | (offset & ~3u), 4);
        out(kConfigData + offset % 4, value, size);
    }
    kernel::VirtualClock& clock() { return parts().loop.virtual_clock(); }
    FakeBlock& node() { return part<FakeBlock>("node"); }
    FakeNet& wire() { return part<FakeNet>("wire"); }
    FakeChar& stream() { return part<FakeChar>("stream"); }
    FakeChar& terminal() { return part<FakeChar>("terminal"); }
    FakeRng& source() { return part<FakeRng>("source"); }
    /// The host's ends are what those of `other` are: they are not part of a saved machine.
    void share_host_of(SavedBoard& other) {
        node().data = other.node().data;
        node().hold = other.node().hold;
        wire().sent = other.wire().sent;
        for (auto [mine, theirs] :
             {std::pair{&stream(), &other.stream()}, {&terminal(), &other.terminal()}}) {
            mine->room = theirs->room;
            mine->written = theirs->written;
        }
        source() = other.source();
    }

    std::vector<std::uint8_t> save() {
        test::MemorySink sink;
        SnapshotProgress progress;
        ErrorText errors;
        OutgoingSnapshot* snapshot = parts().snapshots.save(errors);
        if (!snapshot) throw std::runtime_error(errors.text());
        const bool written = snapshot->write(sink, {.workers = 1}, progress, errors);
        snapshot->finish(false);
        if (!written) throw std::runtime_error(errors.text());
        return sink.bytes;
    }
    /// Why the stream does not become this machine's state; empty when it did.
    std::string load(Bytes stream) {
        test::MemorySource source{stream};
        SnapshotProgress progress;
        ErrorText why;
        IncomingSnapshot* snapshot = parts().snapshots.load();
        if (snapshot->read(source, {.workers = 1}, progress, why)) snapshot->apply(why);
        snapshot->release();
        return why.text();
    }
    /// Its CPUs run meanwhile, once it was started: a millisecond at most.
    void run_loop() {
        lock_.unlock();
        parts().loop.run_once(1);
        lock_.lock();
    }
    /// As the machine does when it runs for the first time after a load.
    void resume() { parts().devices.resume(); }

    /// How often each input of each device was told of a change.
    std::string changes() {
        TextBuffer out;
        for (kernel::Instance* device : parts().devices.all()) {
            out.append(device->path_text() + "\n");
            parts().wiring.describe(device, out);
        }
        std::string text = out.text();
        const std::string_view level = "level ";
        for (std::size_t at = 0; (at = text.find(level, at)) != std::string::npos;)
            text.erase(at, text.find(", ", at) + 2 - at);
        return text;
    }

    BoardBench bench;

  private:
    static constexpr std::uint64_t kConfigAddress = 0xcf8, kConfigData = 0xcfc;  // 82441FX, 3.1

    static void add_host(BoardOptions& options) {
        options.backends = {{"fake-block", "node", {}, "backends"},
                            {"fake-net", "wire", {}, "backends"},
                            {"fake-char", "stream", {}, "backends"},
                            {"fake-char", "terminal", {}, "backends"},
                            {"fake-rng", "source", {}, "backends"}};
        options.serials = {"terminal"};
    }
    template <class T>
    T& part(const std::string& id) {
        kernel::Instance* object = bench.machine().objects().find_id(id);
        return *static_cast<T*>(object->part(object->type_name()));
    }
    std::unique_lock<MachineLock> lock_;
    const Places& places_;
};

/// The first field, level or byte of memory by which two machines differ; empty: none.
inline std::string difference(SavedBoard& one, SavedBoard& other) {
    const auto text = [](SavedBoard& board) {
        std::vector<std::string> lines;
        for (kernel::Instance* device : board.parts().devices.all()) {
            TextBuffer out;
            kernel::host_of(*device).description().dump(out);
            std::istringstream fields(out.text());
            for (std::string line; std::getline(fields, line);)
                lines.push_back(device->path_text() + " " + line);
            const kernel::Wiring::Levels levels = board.parts().wiring.levels(device);
            for (const auto& [kind, groups] :
                 {std::pair{"output ", &levels.outputs}, {"input ", &levels.inputs}})
                for (const auto& [name, values] : *groups)
                    for (std::size_t i = 0; i < values.size(); ++i)
                        lines.push_back(device->path_text() + " " + kind + name + "[" + std::to_string(i) +
                                        "]: " + std::to_string(values[i]));
        }
        return lines;
    };
    const std::vector<std::string> a = text(one), b = text(other);
    const auto [at, there] = std::ranges::mismatch(a, b);
    if (at != a.end() || there != b.end())
        return (at == a.end() ? "nothing" : *at) + " | " + (there == b.end() ? "nothing" : *there);
    const auto blocks = one.parts().memory.map().named_blocks(),
               others = other.parts().memory.map().named_blocks();
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const auto size = std::size_t(blocks[i].block.size);
        if (std::memcmp(blocks[i].block.host, others[i].block.host, size) == 0) continue;
        const auto differs =
            std::mismatch(blocks[i].block.host, blocks[i].block.host + size, others[i].block.host);
        return "memory " + blocks[i].id + " at " +
               std::to_string(differs.first - static_cast<std::uint8_t*>(blocks[i].block.host));
    }
    return {};
}

}  // namespace backplane::testing
