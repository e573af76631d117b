#include "ops/old_opsets.h"

#include <numeric>

#include "core/fail.h"

namespace onnxray {

namespace {

/// x with `count` axes of extent 1 behind its own.
ValueId with_trailing_ones(ExpandContext& c, ValueId x, size_t rank, size_t count) {
  if (count == 0) return x;
  std::vector<int64_t> axes(count);
  std::iota(axes.begin(), axes.end(), static_cast<int64_t>(rank));
  return c.add("Unsqueeze", {x, c.ints(axes)});
}

}  // namespace

void expand_axis_broadcast(ExpandContext& c) {
  ValueId b = c.input(1);
  const size_t rank = c.shape(0).size(), own = c.shape(1).size();
  if (int_attribute(c.node, "broadcast", 0) != 0 && has_attribute(c.node, "axis")) {
    const auto axis = static_cast<size_t>(normalise_axis(int_attribute(c.node, "axis", 0), rank));
    require(axis + own <= rank, ErrorCode::bad_file, "an operand {} along axis {} of {}",
            to_string(c.shape(1)), axis, to_string(c.shape(0)));
    b = with_trailing_ones(c, b, own, rank - axis - own);
  }
  c.replace(c.node.op, {c.input(0), b});
}

void expand_channel_slope(ExpandContext& c) {
  const size_t rank = c.shape(0).size();
  const bool per_channel = c.shape(1).size() == 1 && rank > 2;
  c.replace("PRelu", {c.input(0), per_channel ? with_trailing_ones(c, c.input(1), 1, rank - 2) : c.input(1)});
}

void expand_flattened_softmax(ExpandContext& c) {
  const Shape shape = c.shape(0);
  const int64_t given = int_attribute(c.node, "axis", 1);
  // Axis 1 of a vector is past its end: every entry is a row of its own. Negative axes count from the last
  // one.
  const int64_t axis = normalise_axis(given, shape.size() + (given < 0 ? 0 : 1));
  const auto first = static_cast<size_t>(axis);
  const int64_t flat = count_between(shape, first, shape.size());
  if (flat == 0) return c.replace("Identity", {c.input(0)});
  const bool is_one_axis = first < shape.size() && shape[first] == flat;
  if (is_one_axis) return c.replace(c.node.op, {c.input(0)}, {{"axis", axis}});
  // An extent 0 of Reshape's target stands for the input's own: the leading axes, samples among them, are
  // left as they are.
  Shape joined(first, 0), apart(first, 0);
  joined.push_back(flat);
  apart.insert(apart.end(), shape.begin() + axis, shape.end());
  const ValueId rows = c.add("Reshape", {c.input(0), c.ints(joined)});
  const ValueId y = c.add(c.node.op, {rows}, {{"axis", axis}});
  c.replace("Reshape", {y, c.ints(apart)});
}

void expand_old_batch_normalization(ExpandContext& c) {
  require(c.version >= 7 || int_attribute(c.node, "is_test", 1) != 0, ErrorCode::unsupported,
          "it is in training mode; export the model in evaluation mode");
  const double epsilon = float_attribute(c.node, "epsilon", 1e-5);
  const std::vector<ValueId> all{c.input(0), c.input(1), c.input(2), c.input(3), c.input(4)};
  if (int_attribute(c.node, "spatial", 1) != 0)
    return c.replace("BatchNormalization", all, {{"epsilon", epsilon}});
  // y = slope * x + offset, slope = scale / sqrt(var + epsilon), offset = bias - mean * slope, each of x's
  // shape without the batch
  const ValueId small = c.constant(Tensor::scalar(epsilon).to(c.dtype(4)));
  const ValueId deviation = c.add("Sqrt", {c.add("Add", {c.input(4), small})});
  const ValueId slope = c.add("Div", {c.input(1), deviation});
  const ValueId offset = c.add("Sub", {c.input(2), c.add("Mul", {c.input(3), slope})});
  c.replace("Add", {c.add("Mul", {c.input(0), slope}), offset});
}

}  // namespace onnxray
