#include <algorithm>

#include "core/fail.h"
#include "ops/axes.h"
#include "ops/broadcast.h"
#include "ops/families.h"
#include "ops/old_opsets.h"

namespace onnxray {

namespace {

/// Entries for each channel in the shape [1, C, 1, ...].
Var per_channel(Builder& b, Var v, size_t rank) {
  Shape shape(rank, 1);
  if (rank > 1) shape[1] = element_count(b.shape(v));
  return b.reshape(v, shape);
}

/// Throws unless input i has one entry for each channel of input 0.
void require_channels(const LowerContext& c, size_t i) {
  const Shape& x = c.shape(0);
  const int64_t channels = x.size() > 1 ? x[1] : 1;
  require(c.shape(i) == Shape{channels}, ErrorCode::bad_file,
          "input {} has shape {}, expected one entry for each of {} channels", i, to_string(c.shape(i)),
          channels);
}

struct Moments {
  Var mean, centred, inverse_deviation;
};

/// Two passes, mean then variance of what is centred: one pass would cancel.
Moments moments(Builder& b, Var x, const std::vector<int64_t>& axes, double epsilon) {
  const Var mean = b.mean(x, axes);
  const Var centred = b.sub(x, mean);
  const Var variance = b.mean(b.mul(centred, centred), axes);
  return {mean, centred, b.unary(Opcode::reciprocal, b.sqrt(b.add(variance, epsilon)))};
}

/// With the batch's own statistics. The running ones move towards them.
void lower_batch_normalization_in_training(LowerContext& c) {
  Builder& b = c.b;
  const Var x = c.input(0);
  const size_t rank = b.rank(x);
  for (const size_t i : {1, 2}) require_channels(c, i);
  std::vector<int64_t> axes = axes_from(1, rank);
  if (!axes.empty()) axes[0] = 0;  // all but the channels
  const Moments m = moments(b, x, axes, c.float_attr("epsilon", 1e-5));
  c.set(0, b.add(b.mul(b.mul(m.centred, m.inverse_deviation), per_channel(b, c.input(1), rank)),
                 per_channel(b, c.input(2), rank)));
  const double momentum = c.float_attr("momentum", 0.9);
  const auto moved = [&](size_t input, Var batch) {
    const Var flat = b.reshape(batch, b.shape(c.input(input)));
    return b.add(b.mul(c.input(input), momentum), b.mul(flat, 1 - momentum));
  };
  if (c.wants(1)) c.set(1, moved(3, m.mean));
  const auto variance = [&] { return b.mean(b.mul(m.centred, m.centred), axes); };
  if (c.wants(2)) c.set(2, moved(4, variance()));
  // Before version 14 the batch's own, too.
  const auto flat = [&](Var v) { return b.reshape(v, {element_count(b.shape(v))}); };
  if (c.wants(3)) c.set(3, flat(m.mean));
  if (c.wants(4)) c.set(4, flat(variance()));
}

/// y = (x - mean) / sqrt(var + epsilon) * scale + bias with stored statistics
void lower_batch_normalization(LowerContext& c) {
  Builder& b = c.b;
  if (c.version >= 14 && c.int_attr("training_mode", 0) != 0) return lower_batch_normalization_in_training(c);
  for (size_t i = 1; i < 5; ++i) require_channels(c, i);
  const Var x = c.input(0);
  const size_t rank = b.rank(x);
  const Var inverse = b.unary(Opcode::reciprocal, b.sqrt(b.add(c.input(4), c.float_attr("epsilon", 1e-5))));
  const Var slope = b.mul(c.input(1), inverse);
  const Var offset = b.sub(c.input(2), b.mul(c.input(3), slope));
  c.set(0, b.add(b.mul(x, per_channel(b, slope, rank)), per_channel(b, offset, rank)));
}

/// The statistics leave in the type that the node computes them in.
void lower_layer_normalization(LowerContext& c) {
  Builder& b = c.b;
  const Var x = c.input(0);
  const Shape shape = b.shape(x);
  const auto axis = static_cast<size_t>(normalise_axis(c.int_attr("axis", -1), b.rank(x)));
  const Moments m = moments(b, x, axes_from(axis, b.rank(x)), c.float_attr("epsilon", 1e-5));
  const Var y = b.mul(b.mul(m.centred, m.inverse_deviation), broadcast_operand(c, 1, shape));
  c.set(0, c.has(2) ? b.add(y, broadcast_operand(c, 2, shape)) : y);
  const DType stash = dtype_from_number(c.int_attr("stash_type", 1));
  if (c.wants(1)) c.set(1, b.cast(m.mean, stash));
  if (c.wants(2)) c.set(2, b.cast(m.inverse_deviation, stash));
}

/// y = x / sqrt(mean(x^2) + epsilon) * scale
void lower_rms_normalization(LowerContext& c) {
  Builder& b = c.b;
  const Var x = c.input(0);
  const auto axis = static_cast<size_t>(normalise_axis(c.int_attr("axis", -1), b.rank(x)));
  const Var square = b.mean(b.mul(x, x), axes_from(axis, b.rank(x)));
  const Var inverse = b.unary(Opcode::reciprocal, b.sqrt(b.add(square, c.float_attr("epsilon", 1e-5))));
  const Shape shape = b.shape(x);
  c.set(0, b.mul(b.mul(x, inverse), broadcast_operand(c, 1, shape)));
}

void lower_instance_normalization(LowerContext& c) {
  Builder& b = c.b;
  const Var x = c.input(0);
  const size_t rank = b.rank(x);
  require(rank >= 3, ErrorCode::bad_file, "it needs [N, C, spatial...], not {}", to_string(b.shape(x)));
  for (const size_t i : {1, 2}) require_channels(c, i);
  const Moments m = moments(b, x, axes_from(2, rank), c.float_attr("epsilon", 1e-5));
  const Var normal = b.mul(m.centred, m.inverse_deviation);
  c.set(0, b.add(b.mul(normal, per_channel(b, c.input(1), rank)), per_channel(b, c.input(2), rank)));
}

void lower_group_normalization(LowerContext& c) {
  Builder& b = c.b;
  const Var x = c.input(0);
  const Shape shape = b.shape(x);
  const int64_t groups = c.int_attr("num_groups", 0);
  require(groups > 0 && shape.size() >= 2 && shape[1] % groups == 0, ErrorCode::bad_file,
          "{} groups of {} channels", groups, shape.size() > 1 ? shape[1] : 0);
  const Var grouped =
      b.reshape(x, {shape[0], groups, shape[1] / groups * count_between(shape, 2, shape.size())});
  const Moments m = moments(b, grouped, {2}, c.float_attr("epsilon", 1e-5));
  const Var normal = b.reshape(b.mul(m.centred, m.inverse_deviation), shape);
  // Before version 21 scale and bias were per group.
  const auto spread = [&](size_t i) {
    if (c.version >= 21 || c.shape(i) != Shape{groups}) {
      require_channels(c, i);
      return per_channel(b, c.input(i), shape.size());
    }
    const Var rows = b.broadcast(b.reshape(c.input(i), {groups, 1}), {groups, shape[1] / groups});
    return per_channel(b, rows, shape.size());
  };
  c.set(0, b.add(b.mul(normal, spread(1)), spread(2)));
}

/// y = x / (bias + alpha / size * sum over `size` neighbouring channels of x^2) ^ beta
void lower_lrn(LowerContext& c) {
  Builder& b = c.b;
  const Var x = c.input(0);
  const Shape shape = b.shape(x);
  const int64_t size = c.int_attr("size", 0);
  require(size > 0 && shape.size() >= 2, ErrorCode::bad_file, "size {} over the channels of {}", size,
          to_string(shape));
  const int64_t before = (size - 1) / 2, after = size - 1 - before;
  auto table = std::make_shared<AxisTable>();
  table->in = table->out = shape[1];
  table->offsets.push_back(0);
  for (int64_t o = 0; o < shape[1]; ++o) {
    for (int64_t i = std::max<int64_t>(0, o - before); i <= std::min(shape[1] - 1, o + after); ++i) {
      table->index.push_back(i);
      table->weight.push_back(1);
    }
    table->offsets.push_back(static_cast<int64_t>(table->index.size()));
  }
  const Var near = b.axis_map(b.mul(x, x), 1, table);
  const Var base =
      b.add(b.mul(near, c.float_attr("alpha", 1e-4) / static_cast<double>(size)), c.float_attr("bias", 1));
  c.set(0, b.div(x, b.pow(base, c.float_attr("beta", 0.75))));
}

void lower_mean_variance_normalization(LowerContext& c) {
  Builder& b = c.b;
  std::vector<int64_t> axes = c.ints_attr("axes");
  if (axes.empty()) axes = {0, 2, 3};
  const Var centred = b.sub(c.input(0), b.mean(c.input(0), axes));
  // The bound keeps the slope of the root finite where the input is constant; it vanishes beside the 1e-9
  // that the standard adds to the deviation.
  const Var variance = b.max(b.mean(b.mul(centred, centred), axes), 1e-36);
  c.set(0, b.div(centred, b.add(b.sqrt(variance), 1e-9)));
}

void lower_lp_normalization(LowerContext& c) {
  Builder& b = c.b;
  const Var x = c.input(0);
  const int64_t p = c.int_attr("p", 2);
  require(p == 1 || p == 2, ErrorCode::bad_file, "attribute 'p' is {}; it must be 1 or 2", p);
  const Var total = b.sum(p == 1 ? b.abs(x) : b.mul(x, x), {c.int_attr("axis", -1)});
  // A row of zeros stays zero. Its total is replaced before the root, whose slope at 0 is infinite.
  const Var safe = b.select(b.equal(total, 0.0), b.scalar(1, b.dtype(x)), total);
  c.set(0, b.div(x, p == 1 ? safe : b.sqrt(safe)));
}

}  // namespace

std::vector<OpDef> normalization_ops() {
  using enum RelevanceClass;
  return {
      with_old_form({"", "BatchNormalization", {1, 6, 7, 9, 14, 15}, lower_batch_normalization, affine}, 9,
                    expand_old_batch_normalization),
      // What onnx/training_mode.cpp makes of one that takes the statistics of the batch.
      {"onnxray", "BatchNormalizationInTraining", {1}, lower_batch_normalization_in_training, normaliser},
      {"", "LayerNormalization", {1, 17}, lower_layer_normalization, normaliser},
      {"", "RMSNormalization", {23}, lower_rms_normalization, normaliser},
      {"", "InstanceNormalization", {1, 6, 22}, lower_instance_normalization, normaliser},
      {"", "GroupNormalization", {18, 21}, lower_group_normalization, normaliser},
      {"", "LRN", {1, 13}, lower_lrn, normaliser},
      {"", "MeanVarianceNormalization", {9, 13}, lower_mean_variance_normalization, normaliser},
      {"", "LpNormalization", {1, 22}, lower_lp_normalization, normaliser},
  };
}

}  // namespace onnxray
