// A screen's picture as a file.
#pragma once

#include <backplane/screen.h>

#include <string>

namespace backplane::screens {

enum class FileFormat : std::uint8_t { Ppm, Png };

/// False and a reason that names the file. What is there is replaced when all is written.
bool write_picture(const std::string& path, FileFormat format, const ScreenSurface& surface,
                   const ScreenPointer& pointer, Errors& errors);

/// The characters of a picture as lines of UTF-8, each without the blanks at its end.
std::string lines_of(const ScreenText& text);

}  // namespace backplane::screens
