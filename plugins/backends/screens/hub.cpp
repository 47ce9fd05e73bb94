#include "hub.h"

#include <backplane/text.h>

#include <algorithm>
#include <utility>

namespace backplane::screens {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kSlowest = 500 * kMillisecond;
/// Looks that find nothing before the next ones come less often.
constexpr unsigned kPatience = 30;

}  // namespace

Watched::Watched(Hub& hub, const ScreenPlace& place, Clock& clock) : hub_(hub), place_(place), clock_(clock) {
    timer_.create(clock);
    place_.screen->watched_by(this);
}

Watched::~Watched() {
    if (place_.screen) place_.screen->watched_by(nullptr);
}

bool Watched::has(const ScreenViewer& viewer) const {
    return std::ranges::any_of(views_, [&](const View& view) { return view.viewer == &viewer; });
}

bool Watched::idle() const {
    return telling_ == 0 &&
           std::ranges::none_of(views_, [](const View& view) { return view.viewer != nullptr; });
}

void Watched::add(ScreenViewer& viewer, std::uint32_t interval_ms) {
    views_.push_back({&viewer, interval_ms, true});
    quiet_ = 0;
    if (interval_ms) arm(0);
}

void Watched::remove(const ScreenViewer& viewer) {
    for (View& view : views_)
        if (view.viewer == &viewer) view.viewer = nullptr;
    if (telling_ == 0) std::erase_if(views_, [](const View& view) { return !view.viewer; });
}

void Watched::set_interval(const ScreenViewer& viewer, std::uint32_t interval_ms) {
    for (View& view : views_)
        if (view.viewer == &viewer) view.interval_ms = interval_ms;
    if (interval_ns()) arm(interval_ns());
    else timer_.cancel();
}

/// The shortest that is asked for; 0: nobody wants to be told.
std::uint64_t Watched::interval_ns() const {
    std::uint64_t shortest = 0;
    for (const View& view : views_)
        if (view.viewer && view.interval_ms && (!shortest || view.interval_ms * kMillisecond < shortest))
            shortest = view.interval_ms * kMillisecond;
    return shortest;
}

void Watched::arm(std::uint64_t interval_ns) {
    timer_.arm(std::max(clock_.now_ns(), looked_ns_ + interval_ns));
}

/// Viewers may leave, come and change their pace while they are told. The last one that leaves takes this with it.
void Watched::look() {
    if (telling_) return;
    ++telling_;
    news_ = false;
    looked_ns_ = clock_.now_ns();
    const std::size_t known = views_.size();  // who comes meanwhile has its first look later
    if (place_.screen) place_.screen->refresh(*this);
    for (std::size_t i = 0; i < known; ++i) {
        const View view = views_[i];
        views_[i].behind = !view.interval_ms && (view.behind || news_);
        if (!view.viewer || !view.interval_ms) continue;
        if (view.behind) view.viewer->replaced();
        if (view.behind && views_[i].viewer) view.viewer->pointer_changed();
        if (views_[i].viewer) view.viewer->looked();
    }
    --telling_;
    std::erase_if(views_, [](const View& view) { return !view.viewer; });
    quiet_ = news_ ? 0 : quiet_ + 1;
    const std::uint64_t interval = interval_ns();
    if (interval)
        arm(quiet_ < kPatience ? interval
                               : std::max(interval, std::min(kSlowest, interval * (quiet_ - kPatience + 1))));
    hub_.sweep();
}

template <class Tell>
void Watched::tell(const Tell& tell) {
    news_ = true;
    for (std::size_t i = 0, known = views_.size(); i < known; ++i)
        if (const View view = views_[i]; view.viewer && view.interval_ms && !view.behind) tell(*view.viewer);
}

void Watched::drawn(const ScreenArea& area) {
    tell([&](ScreenViewer& viewer) { viewer.drawn(area); });
}
void Watched::copied(std::uint32_t from_x, std::uint32_t from_y, const ScreenArea& to) {
    tell([&](ScreenViewer& viewer) { viewer.copied(from_x, from_y, to); });
}
void Watched::replaced() {
    tell([](ScreenViewer& viewer) { viewer.replaced(); });
}
void Watched::pointer_changed() {
    tell([](ScreenViewer& viewer) { viewer.pointer_changed(); });
}
void Watched::pointer_moved() {
    tell([](ScreenViewer& viewer) { viewer.pointer_moved(); });
}

void Watched::ring() {
    if (quiet_ < kPatience) return;
    quiet_ = 0;
    if (interval_ns()) arm(interval_ns());
}

void Watched::gone() {
    place_.screen = nullptr;
    timer_.cancel();
    ++telling_;
    for (std::size_t i = 0; i < views_.size(); ++i)
        if (ScreenViewer* viewer = std::exchange(views_[i].viewer, nullptr)) viewer->screen_gone();
    --telling_;
    hub_.sweep();
}

std::vector<ScreenPlace> Hub::all() const {
    std::vector<ScreenPlace> found;
    for_each_below(root_of(context_.object()), [&](Object& object) {
        auto* source = query<ScreenSource>(object);
        for (std::uint32_t head = 0; source && head < source->screens(); ++head)
            found.push_back({&object, head, &source->screen(head)});
    });
    return found;
}

ScreenPlace Hub::at(std::uint32_t number) {
    const std::vector<ScreenPlace> screens = all();
    return number < screens.size() ? screens[number] : ScreenPlace{};
}

ScreenPlace Hub::find(Str device, std::uint32_t head, Errors& errors) {
    const std::string name(device.view());
    bool found = false;
    for (const ScreenPlace& place : all()) {
        TextBuffer path;
        place.device->path(path);
        if (!name.empty() && place.device->id() != device && path.text() != name) continue;
        if (place.head == head) return place;
        found = true;
        if (name.empty() && place.head + 1 == query<ScreenSource>(*place.device)->screens()) break;
    }
    if (found) errors.fail("there is no head " + std::to_string(head));
    else if (name.empty()) errors.fail("this machine has no screen; add a graphics adapter (-device VGA)");
    else errors.fail("there is no screen '" + name + "'");
    return {};
}

void Hub::watch(const ScreenPlace& place, ScreenViewer& viewer, std::uint32_t interval_ms) {
    for (const auto& watched : watched_)
        if (watched->place().screen == place.screen) return watched->add(viewer, interval_ms);
    watched_.push_back(std::make_unique<Watched>(*this, place, context_.loop().host_clock()));
    watched_.back()->add(viewer, interval_ms);
}

void Hub::set_interval(ScreenViewer& viewer, std::uint32_t interval_ms) {
    for (const auto& watched : watched_)
        if (watched->has(viewer)) watched->set_interval(viewer, interval_ms);
}

void Hub::unwatch(ScreenViewer& viewer) {
    for (const auto& watched : watched_) watched->remove(viewer);
    sweep();
}

void Hub::look(const ScreenPlace& place) {
    for (const auto& watched : watched_)
        if (watched->place().screen == place.screen) return watched->look();
    struct Nobody final : ScreenChanges {
        void drawn(const ScreenArea&) override {}
        void copied(std::uint32_t, std::uint32_t, const ScreenArea&) override {}
        void replaced() override {}
        void pointer_changed() override {}
        void pointer_moved() override {}
    } nobody;
    place.screen->refresh(nobody);
}

void Hub::sweep() {
    std::erase_if(watched_, [](const auto& watched) { return watched->idle(); });
}

}  // namespace backplane::screens
