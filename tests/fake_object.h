// An object that is nothing and has nothing, for tests of parts that want one.
#pragma once

#include <backplane/object.h>

namespace backplane::test {

class FakeObjectBase : public Object {
  public:
    Str name() const override { return "fake"; }
    Str type_name() const override { return "fake"; }
    void path(TextSink&) const override {}
    Str id() const override { return {}; }
    void* query(Str) override { return nullptr; }
    void* part(Str) override { return nullptr; }
    bool is_a(Str) const override { return false; }
    Object* parent() const override { return nullptr; }
    Object* child(Str) const override { return nullptr; }
    std::size_t child_count() const override { return 0; }
    Object* child_at(std::size_t) const override { return nullptr; }
    Object* create_child(Str, Str, Errors&) override { return nullptr; }
    bool realize_child(Object&, Errors&) override { return false; }
    void destroy_child(Object&) override {}
    bool set_property(Str, Str, Errors&) override { return false; }
    bool set_link(Str, Object*, Errors&) override { return false; }
    bool get_property(Str, TextSink&, Errors&) override { return false; }
    void forward_properties(Object&) override {}

  protected:
    ~FakeObjectBase() = default;
};

}  // namespace backplane::test
