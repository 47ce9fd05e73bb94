// Detail of <backplane/plugin.h>: ELF notes (System V ABI, "Note Section") by which a shared object says what it is without
// being loaded. They stand in section ".note.backplane" and bear the name "Backplane".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace backplane::manifest {

inline constexpr char kNoteName[12] = "Backplane";  // padded to a multiple of four
inline constexpr std::uint32_t kManifestNote = 1;   ///< the plugin's manifest, JSON text: exactly one
inline constexpr std::uint32_t kDraftNote = 2;  ///< a file of the plugin includes a draft header: any number

template <std::size_t Size>
struct Note {
    std::uint32_t name_size = 10;
    std::uint32_t description_size = Size;
    std::uint32_t type = kManifestNote;
    char name[12]{};
    char description[(Size + 3) / 4 * 4]{};
};

template <std::size_t Size>
constexpr Note<Size> make_note(std::uint32_t type, const std::array<char, Size>& text) {
    Note<Size> note;
    note.type = type;
    for (std::size_t i = 0; i < sizeof kNoteName; ++i) note.name[i] = kNoteName[i];
    for (std::size_t i = 0; i < Size; ++i) note.description[i] = text[i];
    return note;
}

}  // namespace backplane::manifest
