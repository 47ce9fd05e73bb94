// How fast each node's memory is for each processor, as a machine's guest is told: -numa hmat-lb and hmat-cache.
//
// Follows "Advanced Configuration and Power Interface Specification" 6.4, 5.2.27 "Heterogeneous Memory Attribute Table".
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// What of a node's memory: itself, or a cache beside it. Default: the memory.
enum class MemoryLevel : std::uint8_t { Memory, FirstCache, SecondCache, ThirdCache };
/// Default: a latency.
enum class MemoryMeasure : std::uint8_t {
    AccessLatency,
    ReadLatency,
    WriteLatency,
    AccessBandwidth,
    ReadBandwidth,
    WriteBandwidth
};
constexpr bool is_latency(MemoryMeasure measure) { return measure <= MemoryMeasure::WriteLatency; }

/// Fixed.
struct MemoryPerformance {
    std::uint32_t initiator = 0;  ///< the node of the processors
    std::uint32_t target = 0;     ///< that of the memory
    MemoryLevel level = MemoryLevel::Memory;
    MemoryMeasure measure = MemoryMeasure::AccessLatency;
    std::uint64_t value = 0;  ///< ns, or bytes per second; 0: nothing is known
    bool operator==(const MemoryPerformance&) const = default;
};

/// Fixed.
struct MemorySideCache {
    std::uint32_t node = 0;
    std::uint64_t size = 0;          ///< bytes
    std::uint8_t level = 1;          ///< 1 to 3
    std::uint8_t associativity = 0;  ///< 0: none, 1: direct mapped, 2: complex
    std::uint8_t write_policy = 0;   ///< 0: none, 1: write-back, 2: write-through
    std::uint16_t line_size = 0;     ///< bytes
    bool operator==(const MemorySideCache&) const = default;
};

/// The host interface "backplane.numa-performance/1". Owner: the host, for the machine's life. Thread: main.
class NumaPerformance {
  public:
    static constexpr const char* kId = "backplane.numa-performance/1";
    static constexpr std::uint32_t kNone = ~0u;
    /// The node of the processors that the memory of `node` belongs to; kNone: nobody said.
    virtual std::uint32_t initiator(std::uint32_t node) const = 0;
    virtual Slice<const MemoryPerformance> performances() const = 0;
    virtual Slice<const MemorySideCache> caches() const = 0;

  protected:
    ~NumaPerformance() = default;
};

}  // namespace backplane
