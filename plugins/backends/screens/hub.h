// The service "screens": finds the machine's screens and brings them up to date for those who look.
#pragma once

#include <backplane/backend.h>
#include <backplane/clock.h>
#include <backplane/management.h>
#include <backplane/screen.h>

#include <memory>
#include <string>
#include <vector>

namespace backplane::screens {

class Hub;

/// A screen that somebody looks at.
class Watched final : ScreenChanges, ScreenBell {
  public:
    Watched(Hub& hub, const ScreenPlace& place, Clock& clock);
    ~Watched();
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;

    const ScreenPlace& place() const { return place_; }
    bool has(const ScreenViewer& viewer) const;
    /// Nobody looks at it, and it tells nobody at this moment.
    bool idle() const;
    void add(ScreenViewer& viewer, std::uint32_t interval_ms);
    void remove(const ScreenViewer& viewer);
    void set_interval(const ScreenViewer& viewer, std::uint32_t interval_ms);
    void look();

  private:
    struct View {
        ScreenViewer* viewer = nullptr;  ///< null: it left
        std::uint32_t interval_ms = 0;   ///< 0: it is told nothing for now
        bool behind = true;              ///< it has missed changes: all is new to it
    };
    template <class Tell>
    void tell(const Tell& tell);
    std::uint64_t interval_ns() const;
    void arm(std::uint64_t interval_ns);

    void drawn(const ScreenArea& area) override;
    void copied(std::uint32_t from_x, std::uint32_t from_y, const ScreenArea& to) override;
    void replaced() override;
    void pointer_changed() override;
    void pointer_moved() override;
    void ring() override;
    void gone() override;

    Hub& hub_;
    ScreenPlace place_;
    Clock& clock_;
    OwnedTimer<&Watched::look> timer_{*this};
    std::vector<View> views_;
    std::uint64_t looked_ns_ = 0;  ///< when the last look was
    unsigned quiet_ = 0;           ///< looks in a row that found nothing
    bool news_ = false;
    unsigned telling_ = 0;  ///< its viewers are called: none of them is taken out of the list meanwhile
};

class Hub final : public Completable, public CommandHandler, public ScreenHub {
  public:
    explicit Hub(Object& object) : context_(backend_context(object)) {}

    bool complete(Errors&) override { return true; }
    void shut_down() override { watched_.clear(); }
    void execute(Str command, Str arguments, CommandReply& reply) override;

    std::uint32_t count() override { return std::uint32_t(all().size()); }
    ScreenPlace at(std::uint32_t number) override;
    ScreenPlace find(Str device, std::uint32_t head, Errors& errors) override;
    void watch(const ScreenPlace& place, ScreenViewer& viewer, std::uint32_t interval_ms) override;
    void set_interval(ScreenViewer& viewer, std::uint32_t interval_ms) override;
    void unwatch(ScreenViewer& viewer) override;
    void look(const ScreenPlace& place) override;

    /// Forgets the screens that nobody looks at any more.
    void sweep();

  private:
    std::vector<ScreenPlace> all() const;
    void dump(Str arguments, CommandReply& reply);
    void tell_text(Str arguments, bool for_people, CommandReply& reply);

    BackendContext& context_;
    std::vector<std::unique_ptr<Watched>> watched_;
};

}  // namespace backplane::screens
