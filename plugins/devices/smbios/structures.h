// SMBIOS structures as bytes: "System Management BIOS Reference Specification" (DMTF DSP0134) 3.6, chapters 5 to 7.
//
// What a machine is (Facts) and what users want to be told of it (Wishes) become the table and its entry point.
#pragma once

#include <backplane/abi.h>
#include <lib/uuid.h>

#include <map>
#include <string>
#include <vector>

namespace backplane::smbios {

using Buffer = std::vector<std::uint8_t>;

/// What the board knows.
struct Facts {
    std::string manufacturer, product, version;
    std::uint64_t memory_base = 0;  ///< bytes
    std::uint64_t memory_size = 0;  ///< of all
    /// The last part of it, where it lies apart; size 0: it does not.
    std::uint64_t high_memory_base = 0, high_memory_size = 0;
    std::uint64_t module_size = 0;  ///< the largest memory module; 0: one holds all
    std::uint32_t sockets = 1;
    std::uint32_t cores = 1;             ///< of a socket
    std::uint32_t threads = 1;           ///< of a core
    std::uint16_t processor_family = 2;  ///< 7.5.2; 2: unknown
    std::uint64_t processor_id = 0;      ///< 7.5.3
};

/// Of one structure, by the names that users know: "manufacturer", "max-speed". Numbers as texts.
struct Fields {
    std::map<std::string, std::string, std::less<>> values;
    std::vector<std::string> strings;                 ///< type 11
    std::uint8_t bus = 0xff, device_function = 0xff;  ///< types 9 and 41: of the PCI device; 0xff: none

    std::string text(std::string_view name, const std::string& otherwise = {}) const;
    std::uint64_t number(std::string_view name, std::uint64_t otherwise = 0) const;
};

struct Wishes {
    std::map<unsigned, Fields> types;           ///< of those that there is one of, or that all look alike
    std::vector<Fields> slots, ports, onboard;  ///< types 9, 8 and 41: one each
    Buffer ready;                               ///< structures as they are, ahead of all others
    std::map<unsigned, bool> ready_types;       ///< the types among them, which are not made
    Uuid uuid{};                                ///< unless type 1 has one
};

/// 5.2.1: a table below 4 GiB, as version 2.8; 5.2.2: one anywhere, as version 3.0. Auto: the first, if the table fits.
enum class EntryPoint : std::uint32_t { Narrow, Wide, Auto };
inline constexpr const char* kEntryPointChoices = "32|64|auto";

struct Tables {
    Buffer structures;
    Buffer entry_point;
};

/// False and a reason when the table is too large for its entry point.
bool make_tables(const Facts& facts, const Wishes& wishes, EntryPoint kind, Tables& tables, Errors& errors);
/// The type of the structure that `bytes` are. -1 and a reason when they are none.
int type_of_structure(Bytes bytes, Errors& errors);

}  // namespace backplane::smbios
