#include "json_framer.h"

namespace backplane::monitor {

std::vector<JsonPiece> JsonFramer::feed(std::string_view bytes) {
    std::vector<JsonPiece> out;
    for (const char c : bytes) take(c, out);
    return out;
}

void JsonFramer::reset() {
    text_.clear();
    brackets_.clear();
    place_ = Place::Between;
}

void JsonFramer::fail(char c, const char* why, std::vector<JsonPiece>& out) {
    reset();
    out.push_back({{}, why});
    if (c != '\n') place_ = Place::Skipping;
}

void JsonFramer::take(char c, std::vector<JsonPiece>& out) {
    if (c == '\xff') return reset();
    switch (place_) {
    case Place::Skipping:
        if (c == '\n') place_ = Place::Between;
        return;
    case Place::Between:
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') return;
        if (c != '{' && c != '[') return fail(c, "JSON parse error, expecting value", out);
        place_ = Place::Value;
        break;
    default: break;
    }
    if (text_.size() == kMaximumSize) return fail(c, "JSON token size limit exceeded", out);
    if (place_ == Place::Value) take_in_value(c, out);
    else if (place_ == Place::Escape) take_escaped(c);
    else take_in_string(c);
}

void JsonFramer::take_in_string(char c) {
    if (c == '\\') {
        place_ = Place::Escape;
    } else if (c == quote_) {
        place_ = Place::Value;
        text_ += '"';
    } else {
        if (c == '"') text_ += '\\';
        text_ += c;
    }
}

void JsonFramer::take_escaped(char c) {
    place_ = Place::String;
    if (c != '\'') text_ += '\\';
    text_ += c;
}

void JsonFramer::take_in_value(char c, std::vector<JsonPiece>& out) {
    text_ += c;
    switch (c) {
    case '\'': text_.back() = '"'; [[fallthrough]];
    case '"':
        place_ = Place::String;
        quote_ = c;
        return;
    case '{':
    case '[':
        if (brackets_.size() == kMaximumDepth) return fail(c, "JSON nesting depth limit exceeded", out);
        brackets_ += c == '{' ? '}' : ']';
        return;
    case '}':
    case ']':
        if (brackets_.back() != c) return fail(c, "JSON parse error, brackets do not match", out);
        brackets_.pop_back();
        if (!brackets_.empty()) return;
        out.push_back({std::move(text_), {}});
        return reset();
    default: return;
    }
}

}  // namespace backplane::monitor
