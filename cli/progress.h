#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

namespace onnxray::cli {

/// "lrp_z  [#####.....]  50 %  0:07 left", at most `width` letters.
std::string progress_line(std::string_view label, int64_t done, int64_t total, double seconds, int64_t width);

/// A progress bar that redraws one line of a terminal and wipes it at the end. It keeps quiet where nobody
/// watches and during the first half second, so short work leaves no trace.
class Progress {
 public:
  /// Where to draw, and the time in seconds.
  struct Screen {
    std::ostream* out;
    bool watched;
    int64_t width;
    std::function<double()> now;
  };
  /// Standard error, watched if it is a terminal.
  static Screen standard_error();

  explicit Progress(std::string label, Screen screen = standard_error());
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` of `total` steps are done.
  void update(int64_t done, int64_t total);
  void finish();

 private:
  std::string label_;
  Screen screen_;
  double start_, last_drawn_ = -1;
  bool drawn_ = false;
};

}  // namespace onnxray::cli
