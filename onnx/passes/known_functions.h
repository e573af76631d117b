#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/backend.h"
#include "core/graph.h"

namespace onnxray {

/// An activation of ONNX with its attributes.
struct KnownFunction {
  std::string op;
  int64_t opset = 0;
  Attributes attributes = {};
};

/// Where to look at a function that is written with these numbers: 0, both signs, all magnitudes, closely
/// where activations bend, and about each number, where the function may have a corner.
std::vector<double> places_to_look(std::span<const double> numbers);

/// The activation whose values at `xs`, places_to_look of `numbers`, are `ys` to the precision of float.
std::optional<KnownFunction> known_function(std::span<const double> xs, std::span<const double> ys,
                                            std::span<const double> numbers, Backend& folder);

/// The slope of x > 0 ? x : slope x whose values at `xs` are `ys`.
std::optional<double> slope_of_leaky_relu(std::span<const double> xs, std::span<const double> ys);

}  // namespace onnxray
