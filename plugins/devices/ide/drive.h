// What is common to the drives of an IDE channel: the registers, the data port and the transfer that is under way.
//
// Follows "AT Attachment 8 - ATA/ATAPI Command Set" (ACS, T13/1699-D) and "ATA/ATAPI-7" volume 2 for the parallel
// transport. A drive knows no ports: its channel gives it the registers' values and asks for its data.
#pragma once

#include <backplane/ata.h>
#include <backplane/block.h>
#include <backplane/boot.h>
#include <backplane/device.h>
#include <backplane/disk.h>

#include <string>
#include <vector>

namespace backplane::ide {

// Status register (ATA-7 volume 2, 5.2.11).
inline constexpr std::uint8_t kBusy = 0x80, kReady = 0x40, kSeekComplete = 0x10, kDataRequest = 0x08,
                              kError = 0x01;
// Error register.
inline constexpr std::uint8_t kAborted = 0x04, kIdNotFound = 0x10, kUncorrectable = 0x40;
// Device register.
inline constexpr std::uint8_t kLbaBit = 0x40, kDeviceBit = 0x10;

inline constexpr std::size_t kSector = 512;

/// The command block as the host wrote it: each register keeps the value before (48-bit commands use both).
struct TaskFile {
    std::uint16_t feature = 0, count = 0, lba_low = 0, lba_mid = 0, lba_high = 0;
    std::uint8_t device = 0, status = 0, error = 0;

    static void push(std::uint16_t& reg, std::uint8_t value) { reg = std::uint16_t(reg << 8 | value); }
    static std::uint8_t now(std::uint16_t reg) { return std::uint8_t(reg); }
    static std::uint8_t before(std::uint16_t reg) { return std::uint8_t(reg >> 8); }
    static void set(std::uint16_t& reg, std::uint8_t value) { reg = std::uint16_t((reg & 0xff00) | value); }
};

/// What a drive asks of its channel.
class DriveHost {
  public:
    /// INTRQ of the drive changed, or the drive was told to look at it.
    virtual void interrupt_changed() = 0;
    /// The drive is ready for its DMA transfer: start_dma() follows when the bus master runs.
    virtual void dma_wanted() = 0;
    /// During start_dma() and after it, until dma_ended(): moves bytes to or from the memory that the bus master's table
    /// describes. Returns how many there was room for.
    virtual std::size_t dma_to_memory(Bytes bytes) = 0;
    virtual std::size_t dma_from_memory(MutableBytes bytes) = 0;
    virtual void dma_ended() = 0;

  protected:
    ~DriveHost() = default;
};

/// Offered by what is plugged into an IDE bus. Thread: main, or holding the machine lock.
class Drive {
  public:
    static constexpr const char* kId = "backplane.ide-drive/1";
    virtual void plug(DriveHost* host) = 0;
    virtual unsigned wanted_unit() const = 0;  ///< 0, 1; 2: any
    virtual TaskFile& registers() = 0;
    virtual bool interrupt() const = 0;
    virtual void clear_interrupt() = 0;
    /// A hardware or software reset, or EXECUTE DEVICE DIAGNOSTIC: the signature, and nothing under way.
    virtual void reset_drive() = 0;
    virtual void execute(std::uint8_t command) = 0;
    virtual std::uint32_t read_data(unsigned size, bool debug) = 0;
    virtual void write_data(std::uint32_t value, unsigned size) = 0;
    virtual void start_dma() = 0;
    /// The bus master was stopped in the middle.
    virtual void stop_dma() = 0;
    /// Of a hard disk; all zeros for another drive.
    virtual AtaGeometry geometry() const { return {}; }

  protected:
    ~Drive() = default;
};

/// The part that disks and CD drives share.
class DriveBase : public DeviceBase, public Drive, public Bootable, public DiskSettings {
  public:
    explicit DriveBase(Object& object);

    bool realize(Errors& errors) override;
    void unrealize() override;
    void reset(ResetPhase phase) override;
    void before_save() override;
    bool after_load(Errors& errors) override;

    void plug(DriveHost* host) final { host_ = host; }
    unsigned wanted_unit() const final { return unit_; }
    TaskFile& registers() final { return task_; }
    bool interrupt() const final { return interrupt_; }
    void clear_interrupt() final;
    void reset_drive() final;
    void execute(std::uint8_t command) final;
    std::uint32_t read_data(unsigned size, bool debug) final;
    void write_data(std::uint32_t value, unsigned size) final;
    void start_dma() final;
    void stop_dma() final;

    std::int32_t boot_index() const final { return bootindex_; }
    void boot_path(TextSink& out) const final;

    BlockBackend* drive_ = nullptr;
    std::string serial_, model_, version_ = "2.5+";
    std::uint64_t wwn_ = 0;
    std::uint32_t unit_ = 2;
    std::int32_t bootindex_ = -1;

  protected:
    ~DriveBase() = default;

    enum class Transfer : std::uint8_t { None, In, Out };

    // What a kind of drive does.
    virtual bool start_command(std::uint8_t command) = 0;  ///< false: aborted
    virtual void block_done() = 0;                         ///< the host has read, or filled, the buffer
    virtual void run_dma() = 0;
    virtual void signature() = 0;
    virtual void forget_transfer() = 0;
    virtual bool check(Errors& errors) = 0;

    // What it does it with.
    void data_in(std::size_t size);                   ///< buffer_[0, size) is for the host; raises INTRQ
    void data_out(std::size_t size, bool interrupt);  ///< the host is to fill as much
    void succeed(bool interrupt = true);
    void fail(std::uint8_t error);
    void want_dma();
    void raise();
    void busy() { task_.status = std::uint8_t(kBusy | kReady | kSeekComplete); }
    /// Reads or writes buffer_[0, size) at a byte offset of the medium; request_done() follows, perhaps at once.
    void submit(BlockOperation operation, std::uint64_t offset, std::size_t size);
    virtual void request_done(BlockStatus status) = 0;

    /// Another medium, or none, in a drive that may be in use; what is under way is forgotten.
    bool replace_medium(BlockBackend* medium, Errors& errors);
    bool under_way() const { return request_.under_way; }

    DeviceContext& context_;
    DriveHost* host_ = nullptr;
    TaskFile task_;
    std::vector<std::uint8_t> buffer_;
    std::uint32_t position_ = 0;
    std::uint32_t end_ = 0;
    Transfer transfer_ = Transfer::None;
    bool dma_ = false;  ///< the command that is under way waits for the bus master, or is served by it
    bool interrupt_ = false;
    std::uint8_t command_ = 0;

  private:
    class Request final : public BlockRequest {
      public:
        explicit Request(DriveBase& drive) : drive_(drive) {}
        void done(BlockStatus status) override;
        IoVector vector{};
        bool under_way = false;
        bool forgotten = false;  ///< a reset came meanwhile

      private:
        DriveBase& drive_;
    };
    bool claim(BlockBackend& medium, Errors& errors);
    void drain();
    void forget_request();

    Request request_{*this};
    bool claimed_ = false;
    bool realized_ = false;
};

/// Characters of IDENTIFY data: two in a word, the first in its upper half, filled with spaces.
void put_text(std::uint8_t* words, std::size_t count, std::string_view text);
void put_word(std::uint8_t* data, unsigned word, std::uint16_t value);
void put_words(std::uint8_t* data, unsigned word, std::uint64_t value, unsigned words);
/// Words 84, 87 and 108 to 111: the world wide name, if there is one (0: none).
void put_world_wide_name(std::uint8_t* data, std::uint64_t name);
/// The checksum that makes all bytes add up to 0 (word 255).
void seal_identity(std::uint8_t* data);

}  // namespace backplane::ide
