// The server as one that looks at a screen.
#include "server.h"

#include <backplane/text.h>

#include <algorithm>

namespace backplane::vnc {
namespace {

constexpr std::uint32_t kPace = 16;  // ms between looks
/// Looks that nobody waited for before there are no more of them.
constexpr unsigned kPatience = 60;
/// What somebody does shows within so many looks, so far apart.
constexpr unsigned kEchoes = 10;
constexpr std::uint64_t kEcho = 30'000'000;  // ns
/// Areas that are kept one by one.
constexpr std::size_t kMostAreas = 256;
/// What a screen without a picture looks like.
constexpr std::uint32_t kBlankWidth = 640, kBlankHeight = 480;

constexpr ScreenArea kAll{0, 0, kMostScreenPixels, kMostScreenPixels};

}  // namespace

/// From the first client on. The picture is as the screen's when it returns.
void Server::watch() {
    ScreenHub* hub = this->hub();
    if (place_.screen) {
        waits();
        return hub->look(place_);
    }
    IgnoredErrors none;
    if (hub) place_ = hub->find(display_, head_, none);
    if (!place_.screen) return show_nothing();
    paused_ = false;
    hub->watch(place_, *this, kPace);
    hub->look(place_);
}

void Server::unwatch() {
    echo_.cancel();
    if (!place_.screen) return;
    place_ = {};
    hub()->unwatch(*this);
}

void Server::screen_gone() {
    place_ = {};
    show_nothing();
    for (const auto& client : clients_) client->update();
}

void Server::show_nothing() {
    copy_.resize(kBlankWidth, kBlankHeight);
    damage(kAll);
}

void Server::drawn(const ScreenArea& area) {
    if (drawn_.size() < kMostAreas) drawn_.push_back(area);
    else all_drawn_ = true;
}

/// Before anything is drawn over it, the copy has what was moved; what else is new there is found like anything.
void Server::copied(std::uint32_t from_x, std::uint32_t from_y, const ScreenArea& to) {
    const ScreenMove how{from_x, from_y, to};
    if (drawn_.empty() && !all_drawn_ && copy_.contains(how)) move(how);
    drawn(to);
}

void Server::move(const ScreenMove& move) {
    copy_.move(move);
    for (const auto& client : clients_)
        if (client->entered()) client->moved(move);
}

/// As much as when a text is scrolled.
bool Server::much_drawn() const {
    std::uint64_t pixels = 0;
    for (const ScreenArea& area : drawn_)
        pixels += std::uint64_t{std::min(area.width, copy_.width())} * std::min(area.height, copy_.height());
    return 2 * pixels > std::uint64_t{copy_.width()} * copy_.height();
}

void Server::damage(const ScreenArea& area) {
    for (const auto& client : clients_)
        if (client->entered()) client->changed(area);
}

void Server::pointer_changed() {
    for (const auto& client : clients_) client->pointer_changed();
}

/// Also when nothing is new: what stands still long enough is sent again if it was inexact.
void Server::looked() {
    take_picture();
    bool active = false;
    for (std::size_t i = 0; i < clients_.size(); ++i) {
        clients_[i]->update();
        active |= clients_[i]->active();
    }
    unused_looks_ = active ? 0 : unused_looks_ + 1;
    if (unused_looks_ < kPatience) return;
    paused_ = true;
    hub()->set_interval(*this, 0);
}

void Server::take_picture() {
    const ScreenSurface surface = place_.screen->surface();
    if (!surface.pixels || !surface.width || !surface.height) {
        if (all_drawn_) show_nothing();
    } else {
        if (surface.width != copy_.width() || surface.height != copy_.height()) {
            copy_.resize(surface.width, surface.height);
            damage(kAll);
            all_drawn_ = true;
        }
        if (all_drawn_) drawn_ = {kAll};
        if (much_drawn())
            if (const auto scroll = copy_.find_scroll(surface)) move(*scroll);
        for (const ScreenArea& area : drawn_)
            for (const ScreenArea& changed : copy_.update(surface, area)) damage(changed);
    }
    drawn_.clear();
    all_drawn_ = false;
}

ScreenPointer Server::pointer() const { return place_.screen ? place_.screen->pointer() : ScreenPointer{}; }

void Server::waits() {
    unused_looks_ = 0;
    if (!paused_ || !place_.screen) return;
    paused_ = false;
    hub()->set_interval(*this, kPace);
}

/// A picture that stood still is looked at now and then only, and what somebody types is to be seen at once.
void Server::used() {
    echoes_ = kEchoes;
    if (place_.screen && !echo_.armed()) echo_.arm(context_.loop().host_clock().now_ns() + kEcho);
}

void Server::look_again() {
    if (!place_.screen || echoes_ == 0) return;
    if (--echoes_) echo_.arm(context_.loop().host_clock().now_ns() + kEcho);
    if (!paused_) hub()->look(place_);
}

void Server::size_wanted(std::uint16_t width, std::uint16_t height) {
    if (place_.screen) place_.screen->wish({.width = width, .height = height});
}

}  // namespace backplane::vnc
