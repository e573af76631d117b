#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace onnxray {

/// What was taken for granted about a model where another reading is possible.
struct Assumption {
  std::string what;         ///< "samples of 'x'", "head", "layer of grad_cam"
  std::string value;        ///< "axis 1", "softmax", "'conv4'"
  std::string why;          ///< what the choice rests on
  std::string option = {};  ///< the option that says otherwise, by its name in the public header; empty: none
  bool is_obvious = false;  ///< what anyone would take for granted: listed, but not pointed out
  bool operator==(const Assumption&) const = default;
};

/// Adds an assumption unless it is there.
inline void assume(std::vector<Assumption>& assumptions, Assumption assumption) {
  if (std::ranges::find(assumptions, assumption) == assumptions.end())
    assumptions.push_back(std::move(assumption));
}

}  // namespace onnxray
