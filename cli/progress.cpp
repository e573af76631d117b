#include "cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>

namespace onnxray::cli {
namespace {

constexpr double kQuiet = 0.5, kInterval = 0.1;  // seconds

std::string duration(double seconds) {
  const auto total = static_cast<int64_t>(std::lround(std::min(seconds, 359999.0)));
  if (total >= 3600) return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
  return fmt::format("{}:{:02}", total / 60, total % 60);
}

}  // namespace

std::string progress_line(std::string_view label, int64_t done, int64_t total, double seconds,
                          int64_t width) {
  const double share =
      total > 0 ? std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0) : 0;
  const std::string left = share > 0 ? duration(seconds * (1 - share) / share) + " left" : "";
  constexpr size_t kBar = 24;
  const auto filled = static_cast<size_t>(share * kBar);
  std::string line = fmt::format("{}  [{}{}] {:3} %  {}", label, std::string(filled, '#'),
                                 std::string(kBar - filled, '.'), static_cast<int>(100 * share), left);
  if (static_cast<int64_t>(line.size()) > width)
    line.resize(static_cast<size_t>(std::max<int64_t>(0, width)));
  return line;
}

Progress::Screen Progress::standard_error() {
  winsize size{};
  const bool watched = isatty(STDERR_FILENO) != 0;
  const bool known = watched && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  const auto now = [] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  };
  return {&std::cerr, watched, known ? size.ws_col - 1 : 79, now};
}

Progress::Progress(std::string label, Screen screen)
    : label_(std::move(label)), screen_(std::move(screen)), start_(screen_.now()) {}

void Progress::update(int64_t done, int64_t total) {
  if (!screen_.watched) return;
  const double seconds = screen_.now() - start_;
  if (seconds < kQuiet || (drawn_ && seconds - last_drawn_ < kInterval)) return;
  // \r returns to the line's start, ESC [K wipes what a longer line left.
  *screen_.out << '\r' << progress_line(label_, done, total, seconds, screen_.width) << "\x1b[K"
               << std::flush;
  last_drawn_ = seconds;
  drawn_ = true;
}

void Progress::finish() {
  if (drawn_) *screen_.out << "\r\x1b[K" << std::flush;
  drawn_ = false;
}

}  // namespace onnxray::cli
