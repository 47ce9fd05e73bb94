// Screens: the pictures that a machine shows, and who looks at them.
//
// A graphics adapter offers ScreenSource, with a Screen for each of its outputs; nothing needs to be registered. Who looks (a
// VNC server, a window, a screenshot) asks the service "screens" (ScreenHub), which finds the screens of the machine, brings
// each up to date at the pace of those who look, and tells them what is new. A screen that nobody looks at is never drawn.
//
// Thread, for everything here: main, or holding the machine lock.
#pragma once

#include <backplane/abi.h>

namespace backplane {

class Object;

/// In pixels from the left and the top. Fixed.
struct ScreenArea {
    std::uint32_t x = 0;
    std::uint32_t y = 0;
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    constexpr bool operator==(const ScreenArea&) const = default;
};

/// How a pixel lies in memory. Default: none, a viewer shows such a screen as blank.
enum class PixelFormat : std::uint8_t {
    Xrgb32,  ///< 32 bits in the host's byte order: 0x00rrggbb; the highest byte says nothing
};

/// No screen is wider or higher.
inline constexpr std::uint32_t kMostScreenPixels = 16384;

/// A picture in memory. Sized.
struct ScreenSurface {
    std::uint32_t struct_size = sizeof(ScreenSurface);
    std::uint32_t width =
        0;  ///< pixels, at most kMostScreenPixels; 0: there is no picture (the height is 0 as well)
    std::uint32_t height = 0;
    std::uint32_t stride = 0;  ///< bytes from one row to the next, at least 4 * width
    PixelFormat format = PixelFormat::Xrgb32;
    /// height * stride bytes. Valid until the screen's next refresh() or the end of its device. May be memory that the guest
    /// writes to meanwhile.
    const std::uint8_t* pixels = nullptr;

    const std::uint32_t* row(std::uint32_t y) const {
        return reinterpret_cast<const std::uint32_t*>(pixels + std::size_t{y} * stride);
    }
};

/// The picture that follows the pointer, which a guest has its adapter draw. Sized.
struct ScreenPointer {
    std::uint32_t struct_size = sizeof(ScreenPointer);
    bool visible = false;
    std::int32_t x = 0;  ///< where its hot spot is
    std::int32_t y = 0;
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::uint32_t hot_x = 0;
    std::uint32_t hot_y = 0;
    /// width * height pixels, 0xaarrggbb, not premultiplied. Valid as a surface's.
    const std::uint32_t* pixels = nullptr;
};

/// A place of a picture made of characters. Fixed.
struct ScreenCell {
    std::uint8_t character = 0;   ///< its number in the adapter's font; that of the PC is code page 437
    std::uint8_t foreground = 0;  ///< of the adapter's 16 colours
    std::uint8_t background = 0;
    bool blinking = false;
};

/// A picture made of characters. Sized.
struct ScreenText {
    std::uint32_t struct_size = sizeof(ScreenText);
    std::uint32_t columns = 0;
    std::uint32_t rows = 0;
    Slice<const ScreenCell> cells{};  ///< rows * columns; valid as a surface's
    bool cursor = false;              ///< is it there, whether it blinks or not
    std::uint32_t cursor_column = 0;
    std::uint32_t cursor_row = 0;
};

/// What a viewer has room for. Sized.
struct ScreenWish {
    std::uint32_t struct_size = sizeof(ScreenWish);
    std::uint32_t width = 0;  ///< pixels
    std::uint32_t height = 0;
    std::uint32_t width_mm = 0;  ///< 0: not known
    std::uint32_t height_mm = 0;
    std::uint32_t refresh_mhz = 0;  ///< thousandths of a picture per second; 0: not known
};

/// Hears from a screen that is brought up to date what is new in it, in the order in which it came about.
class ScreenChanges {
  public:
    /// Pixels within the area differ, or may.
    virtual void drawn(const ScreenArea& area) = 0;
    /// What stood at (from_x, from_y) in the picture that is known stands in `to` as well. What was drawn over it since follows.
    virtual void copied(std::uint32_t from_x, std::uint32_t from_y, const ScreenArea& to) = 0;
    /// There is another surface, maybe of another size; all of it is new.
    virtual void replaced() = 0;
    /// Screen::pointer() has another shape, or is seen or not seen from now on.
    virtual void pointer_changed() = 0;
    /// The guest put the pointer elsewhere.
    virtual void pointer_moved() = 0;

  protected:
    ~ScreenChanges() = default;
};

/// Whom a screen tells that it is worth a look.
class ScreenBell {
  public:
    /// The picture changes, or is about to: whoever looks does so soon, and not once in a while.
    virtual void ring() = 0;
    /// The device is being unrealized. The bell is not to be used any more.
    virtual void gone() = 0;

  protected:
    ~ScreenBell() = default;
};

/// One output of a graphics adapter.
class Screen {
  public:
    /// Brings the picture up to date with the adapter's memory and registers, and tells what is new since the last time; the
    /// first time, that it was replaced.
    virtual void refresh(ScreenChanges& changes) = 0;
    /// As the last refresh() left it.
    virtual ScreenSurface surface() const = 0;
    virtual ScreenPointer pointer() const = 0;
    /// False when the picture is not made of characters.
    virtual bool text(ScreenText& text) const = 0;
    /// Tells the guest what a viewer has room for, where the adapter has a way to.
    virtual void wish(const ScreenWish& wish) = 0;
    /// Somebody looks from now on, who sees what changes only now and then unless the bell rings; null: nobody does. Who
    /// has no cheap way to know rings at writes to registers, and leaves memory to be looked at.
    virtual void watched_by(ScreenBell* bell) = 0;

  protected:
    ~Screen() = default;
};

/// Offered by the part of a device that has screens.
class ScreenSource {
  public:
    static constexpr const char* kId = "backplane.screen-source/1";
    /// Does not change once the device is realized.
    virtual std::uint32_t screens() const = 0;
    /// `head` < screens()
    virtual Screen& screen(std::uint32_t head) = 0;

  protected:
    ~ScreenSource() = default;
};

/// Somebody who looks at a screen. Is told on the host loop what changed, after it has.
class ScreenViewer : public ScreenChanges {
  public:
    /// All that a look found was told. Called at each look, also when nothing was new.
    virtual void looked() = 0;
    /// The device is about to go, and the screen with it: the hub knows the viewer no longer.
    virtual void screen_gone() = 0;

  protected:
    ~ScreenViewer() = default;
};

/// A screen as the hub knows it. From the host.
struct ScreenPlace {
    Object* device = nullptr;
    std::uint32_t head = 0;
    Screen* screen = nullptr;
};

/// Offered by the service "screens".
class ScreenHub {
  public:
    static constexpr const char* kId = "backplane.screen-hub/1";
    /// How many screens the machine has now. They are numbered as their devices stand in the machine, heads in their order.
    virtual std::uint32_t count() = 0;
    /// Without a screen when there is no such number.
    virtual ScreenPlace at(std::uint32_t number) = 0;
    /// The screen of a device (its id or path; empty: the first that has any), without a screen and with a reason when there
    /// is none.
    virtual ScreenPlace find(Str device, std::uint32_t head, Errors& errors) = 0;
    /// From now on `viewer` is told what changes, at most each `interval_ms` (of host time), and less often while nothing
    /// does. It hears replaced() at the first look, which is soon.
    virtual void watch(const ScreenPlace& place, ScreenViewer& viewer, std::uint32_t interval_ms) = 0;
    /// Also changes the pace of a viewer that looks: 0 stops telling it anything for a while.
    virtual void set_interval(ScreenViewer& viewer, std::uint32_t interval_ms) = 0;
    virtual void unwatch(ScreenViewer& viewer) = 0;
    /// A look at once, of which all viewers of the screen hear.
    virtual void look(const ScreenPlace& place) = 0;

  protected:
    ~ScreenHub() = default;
};

/// Offered by the part of a service through which people look at the machine and use it. A machine that was given one has a
/// display: its consoles are not connected to the terminal unless somebody asks for it.
class Display {
  public:
    static constexpr const char* kId = "backplane.display/1";

  protected:
    ~Display() = default;
};

}  // namespace backplane
