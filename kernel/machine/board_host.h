// What the host gives to a board.
#pragma once

#include "kernel/machine/device_host.h"
#include "kernel/machine/start_bytes.h"

#include <backplane/board.h>

#include <memory>

namespace backplane::kernel {

class BoardHost final : public InstanceHost, public BoardContext, ParallelPorts {
  public:
    BoardHost(MachineParts& machine, Instance& instance);

    // InstanceHost
    void* query(Str interface_id) override;
    bool realize(Instance&, Errors&) override { return true; }
    void unrealize(Instance&) override {}
    void broke(const std::string& message) override;

    // BoardContext
    Object& machine() override { return instance_; }
    const Topology& topology() const override;
    Log& log() override { return log_; }
    MemoryFactory& memory() override { return *owner_; }
    MemoryRegion& system_memory() override;
    MemoryRegion& io_ports() override;
    MemoryRegion& ram() override;
    Object* create(Str type, Str name, Errors& errors) override;
    Object* create_on(Object& bus, Str type, Str name, Errors& errors) override;
    bool realize(Object& device, Errors& errors) override;
    Object* create_cpu(std::uint32_t index, Errors& errors) override;
    bool set_cpu_memory(Object& cpu, std::uint32_t space, MemoryRegion& root, Errors& errors) override;
    bool map(Object& device, Str region, GuestAddress address, Errors& errors) override;
    bool connect(Object& from, Str output, unsigned output_index, Object& to, Str input, unsigned input_index,
                 Errors& errors) override;
    Object* serial(unsigned index) override;
    BoardDrive drive(Str interface, unsigned index) override;
    bool default_devices() const override;
    bool read_file(Str path, bool search_firmware, std::uint64_t limit, Bytes& bytes,
                   Errors& errors) override;
    bool add_blob(Str name, GuestAddress address, Bytes bytes, Errors& errors) override;
    bool add_segment(Str name, GuestAddress address, Bytes bytes, std::uint64_t memory_size,
                     Errors& errors) override;
    DmaPort& dma() override;
    void random(MutableBytes bytes) override;
    void* host_interface(Str interface_id) override;

    // ParallelPorts
    Object* parallel(unsigned index) override;

    /// Puts all blobs into memory: not into that of a machine which is to get a saved one's, or wakes with what it had.
    void load_blobs();
    void release_memory();

  private:
    Object* create_chip(Str type, Str name, Instance& parent, Errors& errors);
    struct Blob {
        std::string name;
        std::uint64_t address = 0;
        std::shared_ptr<const StartBytes> source;
        std::uint64_t offset = 0;  ///< of its bytes in the source
        std::uint64_t length = 0;  ///< of them
        std::uint64_t zeros = 0;   ///< bytes of memory behind them
        std::uint64_t size() const { return length + zeros; }
    };
    /// The machine is to get a saved one's state before it runs: nothing is made ready for a start.
    bool awaits_state() const;
    Blob make_blob(Str name, GuestAddress address, Bytes bytes, std::uint64_t zeros) const;
    bool check_blob(const Blob& blob, Errors& errors) const;
    template <class Visit>
    void visit_memory(std::uint64_t address, std::uint64_t size, Visit&& visit);
    std::uint64_t room_for(const Blob& blob);
    int place(const Blob& blob);
    bool place_now(const Blob& blob, Errors& errors);
    void clear(const Blob& blob);
    MachineParts& machine_;
    Instance& instance_;
    ObjectLog log_;
    std::unique_ptr<MemoryOwner> owner_;
    std::unique_ptr<MemoryPort> dma_;
    std::vector<Blob> blobs_;
    std::shared_ptr<const StartBytes> file_;  ///< what was read last
};

}  // namespace backplane::kernel
