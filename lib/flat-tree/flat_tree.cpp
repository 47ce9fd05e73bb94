#include <lib/flat_tree.h>

#include <libfdt.h>

namespace backplane::device_tree {

FlatTree::FlatTree(std::size_t capacity) : bytes_(capacity) {
    note(fdt_create(bytes_.data(), int(capacity)));
    note(fdt_finish_reservemap(bytes_.data()));
}

void FlatTree::note(int result) {
    if (first_error_ == 0 && result < 0) first_error_ = result;
}

void FlatTree::begin(const std::string& name) { note(fdt_begin_node(bytes_.data(), name.c_str())); }
void FlatTree::end() { note(fdt_end_node(bytes_.data())); }
void FlatTree::flag(const char* name) { raw(name, "", 0); }

void FlatTree::raw(const char* name, const void* data, std::size_t size) {
    note(fdt_property(bytes_.data(), name, data, int(size)));
}

void FlatTree::cells(const char* name, const Cells& values) {
    std::vector<std::uint8_t> bytes;
    bytes.reserve(values.size() * 4);
    for (const std::uint32_t value : values)
        for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(std::uint8_t(value >> shift));
    raw(name, bytes.data(), bytes.size());
}

void FlatTree::texts(const char* name, const std::vector<std::string>& values) {
    std::string all;
    for (const std::string& value : values) all.append(value.c_str(), value.size() + 1);
    raw(name, all.data(), all.size());
}

void FlatTree::reg(std::initializer_list<std::pair<std::uint64_t, std::uint64_t>> ranges) {
    Cells values;
    for (const auto& [base, size] : ranges) {
        put64(values, base);
        put64(values, size);
    }
    cells("reg", values);
}

bool FlatTree::finish(Errors& errors) {
    note(fdt_finish(bytes_.data()));
    if (first_error_ == 0) {
        bytes_.resize(fdt_totalsize(bytes_.data()));
        return true;
    }
    errors.fail(std::string("the device tree could not be written: ") + fdt_strerror(first_error_));
    return false;
}

}  // namespace backplane::device_tree
