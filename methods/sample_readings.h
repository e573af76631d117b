#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/graph.h"
#include "core/program.h"

namespace onnxray {

/// What is known of inputs and outputs beforehand: the axis of their samples, or that they have none.
using GivenSamples = std::map<ValueId, std::optional<int64_t>>;

/// An input that may hold samples.
struct BatchedInput {
  ValueId id = kNoValue;
  Var var;
  Shape shape;
  std::vector<std::string> symbols;  ///< by axis; empty where the extent is fixed or unnamed
  bool is_floating = false;
};

/// A way to read a model's inputs: the axis of each that counts the samples.
struct Reading {
  int64_t samples = 1;
  std::vector<std::optional<int64_t>> axes;
  bool operator==(const Reading&) const = default;
};

/// The readings by which a result of this shape can hold several samples apart, the likeliest first: along an
/// axis that the model calls its batch; the first axis; other axes that inputs call alike, or that have one
/// extent. What is given holds in each.
std::vector<Reading> likely_readings(const std::vector<BatchedInput>& inputs, const Shape& result,
                                     const GivenSamples& given);

/// The axes of extent 1 that a single sample can lie along, if every input that has axes has one: those that
/// are given, or called the batch, or the first.
std::optional<Reading> single_sample_reading(const std::vector<BatchedInput>& inputs,
                                             const GivenSamples& given);

}  // namespace onnxray
