#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace onnxray::sweep {

struct Limits {
  double seconds = 2;  ///< of the processor, for each piece of work
  int64_t bytes = int64_t{1} << 30;
};

/// A piece of work that did not end by itself.
struct Finding {
  size_t which = 0;
  bool is_want = false;  ///< of memory or time
  std::string what;      ///< "signal 11", "an exception: ...", with the first line that tells more
};

/// Does work(i) for each i of `numbers` in child processes: those that crash, throw or go beyond the limits
/// are found. One child works until it is lost.
std::vector<Finding> watch(const std::vector<size_t>& numbers, const std::function<void(size_t)>& work,
                           const Limits& limits);

}  // namespace onnxray::sweep
