#include "keys.h"

#include <backplane/input_keys.h>

#include <string_view>

namespace backplane::vnc {
namespace {

struct Named {
    std::uint32_t symbol;
    const char* key;
};
constexpr Named kNamed[] = {
    {0xff08, "backspace"}, {0xff09, "tab"},         {0xfe20, "tab"},         {0xff0a, "lf"},
    {0xff0d, "ret"},       {0xff13, "pause"},       {0xff14, "scroll_lock"}, {0xff15, "print"},
    {0xff1b, "esc"},       {0xff50, "home"},        {0xff51, "left"},        {0xff52, "up"},
    {0xff53, "right"},     {0xff54, "down"},        {0xff55, "pgup"},        {0xff56, "pgdn"},
    {0xff57, "end"},       {0xff61, "print"},       {0xff63, "insert"},      {0xff67, "menu"},
    {0xff6b, "pause"},     {0xff7f, "num_lock"},    {0xff8d, "kp_enter"},    {0xff95, "kp_7"},
    {0xff96, "kp_4"},      {0xff97, "kp_8"},        {0xff98, "kp_6"},        {0xff99, "kp_2"},
    {0xff9a, "kp_9"},      {0xff9b, "kp_3"},        {0xff9c, "kp_1"},        {0xff9d, "kp_5"},
    {0xff9e, "kp_0"},      {0xff9f, "kp_decimal"},  {0xffaa, "kp_multiply"}, {0xffab, "kp_add"},
    {0xffac, "kp_comma"},  {0xffad, "kp_subtract"}, {0xffae, "kp_decimal"},  {0xffaf, "kp_divide"},
    {0xffb0, "kp_0"},      {0xffb1, "kp_1"},        {0xffb2, "kp_2"},        {0xffb3, "kp_3"},
    {0xffb4, "kp_4"},      {0xffb5, "kp_5"},        {0xffb6, "kp_6"},        {0xffb7, "kp_7"},
    {0xffb8, "kp_8"},      {0xffb9, "kp_9"},        {0xffbd, "kp_equals"},   {0xffbe, "f1"},
    {0xffbf, "f2"},        {0xffc0, "f3"},          {0xffc1, "f4"},          {0xffc2, "f5"},
    {0xffc3, "f6"},        {0xffc4, "f7"},          {0xffc5, "f8"},          {0xffc6, "f9"},
    {0xffc7, "f10"},       {0xffc8, "f11"},         {0xffc9, "f12"},         {0xffe1, "shift"},
    {0xffe2, "shift_r"},   {0xffe3, "ctrl"},        {0xffe4, "ctrl_r"},      {0xffe5, "caps_lock"},
    {0xffe7, "alt"},       {0xffe8, "alt_r"},       {0xffe9, "alt"},         {0xffea, "alt_r"},
    {0xfe03, "alt_r"},     {0xffeb, "meta_l"},      {0xffec, "meta_r"},      {0xffff, "delete"},
};

/// The characters of each row of keys, without and with shift, from the key of that number on.
struct Row {
    std::uint16_t first;
    std::string_view plain, shifted;
};
constexpr Row kRows[] = {
    {2, "1234567890-=", "!@#$%^&*()_+"},
    {16, "qwertyuiop[]", "QWERTYUIOP{}"},
    {30, "asdfghjkl;'`", "ASDFGHJKL:\"~"},
    {43, "\\zxcvbnm,./", "|ZXCVBNM<>?"},
    {57, " ", ""},
};

}  // namespace

SymbolKey key_of_symbol(std::uint32_t symbol) {
    for (const Named& named : kNamed)
        if (named.symbol == symbol) return {key_of_name(named.key)->number, false};
    if (symbol < 0x20 || symbol > 0x7e) return {};
    for (const Row& row : kRows) {
        const std::size_t plain = row.plain.find(char(symbol)), shifted = row.shifted.find(char(symbol));
        if (plain != std::string_view::npos) return {std::uint16_t(row.first + plain), false};
        if (shifted != std::string_view::npos) return {std::uint16_t(row.first + shifted), true};
    }
    return {};
}

}  // namespace backplane::vnc
