// The keys of keyboards by number, name and scan code.
//
// The numbers are those of Linux (include/uapi/linux/input-event-codes.h), the names those that users type after
// `sendkey`; scan codes are of set 1, as IBM's and Microsoft's keyboard specifications give them, 0xe0xx with the prefix.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// A key of the table below. Local.
struct KeyInfo {
    std::uint16_t number;
    const char* name;
    std::uint16_t scan_code;
};

inline constexpr KeyInfo kKeys[] = {
    {1, "esc", 0x01},
    {2, "1", 0x02},
    {3, "2", 0x03},
    {4, "3", 0x04},
    {5, "4", 0x05},
    {6, "5", 0x06},
    {7, "6", 0x07},
    {8, "7", 0x08},
    {9, "8", 0x09},
    {10, "9", 0x0a},
    {11, "0", 0x0b},
    {12, "minus", 0x0c},
    {13, "equal", 0x0d},
    {14, "backspace", 0x0e},
    {15, "tab", 0x0f},
    {16, "q", 0x10},
    {17, "w", 0x11},
    {18, "e", 0x12},
    {19, "r", 0x13},
    {20, "t", 0x14},
    {21, "y", 0x15},
    {22, "u", 0x16},
    {23, "i", 0x17},
    {24, "o", 0x18},
    {25, "p", 0x19},
    {26, "bracket_left", 0x1a},
    {27, "bracket_right", 0x1b},
    {28, "ret", 0x1c},
    {29, "ctrl", 0x1d},
    {30, "a", 0x1e},
    {31, "s", 0x1f},
    {32, "d", 0x20},
    {33, "f", 0x21},
    {34, "g", 0x22},
    {35, "h", 0x23},
    {36, "j", 0x24},
    {37, "k", 0x25},
    {38, "l", 0x26},
    {39, "semicolon", 0x27},
    {40, "apostrophe", 0x28},
    {41, "grave_accent", 0x29},
    {42, "shift", 0x2a},
    {43, "backslash", 0x2b},
    {44, "z", 0x2c},
    {45, "x", 0x2d},
    {46, "c", 0x2e},
    {47, "v", 0x2f},
    {48, "b", 0x30},
    {49, "n", 0x31},
    {50, "m", 0x32},
    {51, "comma", 0x33},
    {52, "dot", 0x34},
    {53, "slash", 0x35},
    {54, "shift_r", 0x36},
    {55, "kp_multiply", 0x37},
    {56, "alt", 0x38},
    {57, "spc", 0x39},
    {58, "caps_lock", 0x3a},
    {59, "f1", 0x3b},
    {60, "f2", 0x3c},
    {61, "f3", 0x3d},
    {62, "f4", 0x3e},
    {63, "f5", 0x3f},
    {64, "f6", 0x40},
    {65, "f7", 0x41},
    {66, "f8", 0x42},
    {67, "f9", 0x43},
    {68, "f10", 0x44},
    {69, "num_lock", 0x45},
    {70, "scroll_lock", 0x46},
    {71, "kp_7", 0x47},
    {72, "kp_8", 0x48},
    {73, "kp_9", 0x49},
    {74, "kp_subtract", 0x4a},
    {75, "kp_4", 0x4b},
    {76, "kp_5", 0x4c},
    {77, "kp_6", 0x4d},
    {78, "kp_add", 0x4e},
    {79, "kp_1", 0x4f},
    {80, "kp_2", 0x50},
    {81, "kp_3", 0x51},
    {82, "kp_0", 0x52},
    {83, "kp_decimal", 0x53},
    {86, "less", 0x56},
    {87, "f11", 0x57},
    {88, "f12", 0x58},
    {89, "ro", 0x73},
    {91, "hiragana", 0x77},
    {92, "henkan", 0x79},
    {93, "katakanahiragana", 0x70},
    {94, "muhenkan", 0x7b},
    {96, "kp_enter", 0xe01c},
    {97, "ctrl_r", 0xe01d},
    {98, "kp_divide", 0xe035},
    {99, "print", 0xe037},
    {100, "alt_r", 0xe038},
    {101, "lf", 0x5b},
    {102, "home", 0xe047},
    {103, "up", 0xe048},
    {104, "pgup", 0xe049},
    {105, "left", 0xe04b},
    {106, "right", 0xe04d},
    {107, "end", 0xe04f},
    {108, "down", 0xe050},
    {109, "pgdn", 0xe051},
    {110, "insert", 0xe052},
    {111, "delete", 0xe053},
    {113, "audiomute", 0xe020},
    {114, "volumedown", 0xe02e},
    {115, "volumeup", 0xe030},
    {116, "power", 0xe05e},
    {117, "kp_equals", 0x59},
    {119, "pause", 0xe046},
    {121, "kp_comma", 0x7e},
    {122, "lang1", 0x72},
    {123, "lang2", 0x71},
    {124, "yen", 0x7d},
    {125, "meta_l", 0xe05b},
    {126, "meta_r", 0xe05c},
    {127, "compose", 0xe05d},
    {128, "stop", 0xe068},
    {129, "again", 0xe005},
    {130, "props", 0xe006},
    {131, "undo", 0xe007},
    {132, "front", 0xe00c},
    {133, "copy", 0xe078},
    {134, "open", 0xe064},
    {135, "paste", 0xe065},
    {136, "find", 0xe041},
    {137, "cut", 0xe03c},
    {138, "help", 0xe075},
    {139, "menu", 0xe01e},
    {140, "calculator", 0xe021},
    {142, "sleep", 0xe05f},
    {143, "wake", 0xe063},
    {155, "mail", 0xe06c},
    {156, "ac_bookmarks", 0xe066},
    {157, "computer", 0xe06b},
    {158, "ac_back", 0xe06a},
    {159, "ac_forward", 0xe069},
    {163, "audionext", 0xe019},
    {164, "audioplay", 0xe022},
    {165, "audioprev", 0xe010},
    {166, "audiostop", 0xe024},
    {172, "ac_home", 0xe032},
    {173, "ac_refresh", 0xe067},
    {183, "f13", 0x5d},
    {184, "f14", 0x5e},
    {185, "f15", 0x5f},
    {186, "f16", 0x55},
    {187, "f17", 0xe003},
    {188, "f18", 0xe077},
    {189, "f19", 0xe004},
    {190, "f20", 0x5a},
    {191, "f21", 0x74},
    {192, "f22", 0xe079},
    {193, "f23", 0x6d},
    {194, "f24", 0x6f},
    {226, "mediaselect", 0xe06d},
};

/// Other names for keys of the table. Local.
struct KeyAlias {
    const char* name;
    std::uint16_t number;
};
inline constexpr KeyAlias kKeyAliases[] = {{"asterisk", 55}, {"sysrq", 99}};

/// The key of that number, name or scan code (0x80 to 0xff: with the prefix); null when there is none.
constexpr const KeyInfo* key_of_number(std::uint32_t number) {
    for (const KeyInfo& key : kKeys)
        if (key.number == number) return &key;
    return nullptr;
}
constexpr const KeyInfo* key_of_name(Str name) {
    for (const KeyInfo& key : kKeys)
        if (Str(key.name) == name) return &key;
    for (const KeyAlias& alias : kKeyAliases)
        if (Str(alias.name) == name) return key_of_number(alias.number);
    return nullptr;
}
constexpr const KeyInfo* key_of_scan_code(std::uint32_t code) {
    const std::uint32_t wanted = code & 0x80 ? 0xe000 | (code & 0x7f) : code;
    for (const KeyInfo& key : kKeys)
        if (key.scan_code == wanted) return &key;
    return nullptr;
}

}  // namespace backplane
