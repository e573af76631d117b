#include "api/fixed_batch.h"

#include <algorithm>
#include <cstring>

#include "core/fail.h"

namespace onnxray {

namespace {

constexpr size_t kNoAxis = SIZE_MAX;

/// The one axis along which a shape exceeds a declared extent of 1; kNoAxis where it fits as declared.
size_t exceeding_axis(const Graph& graph, const InputInfo& input, const Shape& shape, bool is_bound) {
  size_t found = kNoAxis;
  bool fits = shape.size() == input.extents.size();
  for (size_t i = 0; fits && i < shape.size(); ++i) {
    const auto* extent = std::get_if<int64_t>(&input.extents[i]);
    if (!extent || *extent == shape[i]) continue;
    fits = *extent == 1 && shape[i] > 1 && found == kNoAxis && !is_bound;
    found = i;
  }
  require(fits, ErrorCode::usage, "input '{}' has shape {}, the model wants {}", graph[input.value].name,
          to_string(shape), to_string(input.extents));
  return found;
}

}  // namespace

FixedBatch fixed_batch(const Graph& graph, const std::vector<ValueId>& bound,
                       const std::vector<Shape>& inputs) {
  FixedBatch batch;
  const auto is_bound = [&](ValueId id) { return std::ranges::find(bound, id) != bound.end(); };
  for (size_t i = 0; i < inputs.size(); ++i) {
    const InputInfo& input = graph.inputs[i];
    if (!input.has_shape) continue;
    const size_t axis = exceeding_axis(graph, input, inputs[i], is_bound(input.value));
    if (axis == kNoAxis) continue;
    const int64_t samples = inputs[i][axis];
    require(!batch || batch.samples == samples, ErrorCode::usage,
            "input '{}' has shape {} for a batch of {}: as many samples are needed of each input",
            graph[input.value].name, to_string(inputs[i]), batch.samples);
    batch.samples = samples;
    batch.axes[input.value] = axis;
  }
  if (!batch) return batch;
  // An input that leaves its batch open goes along.
  for (size_t i = 0; i < inputs.size(); ++i) {
    const InputInfo& input = graph.inputs[i];
    const bool open = input.has_shape && !input.extents.empty() && input.extents[0].index() == 1;
    if (open && !is_bound(input.value) && inputs[i][0] == batch.samples) batch.axes[input.value] = 0;
  }
  return batch;
}

Tensor samples_of(const Tensor& t, size_t axis, int64_t first, int64_t count) {
  Shape shape = t.shape();
  const int64_t extent = shape[axis];
  const int64_t outer = count_between(shape, 0, axis);
  const int64_t inner = count_between(shape, axis + 1, shape.size()) * size_of(t.dtype());
  shape[axis] = count;
  if (outer == 1) {  // contiguous: borrowed
    const auto owner = std::make_shared<const Tensor>(t);
    return {t.dtype(), shape, owner, owner->bytes() + first * inner};
  }
  Tensor some(t.dtype(), shape);
  for (int64_t o = 0; o < outer; ++o)
    std::memcpy(some.mutable_bytes() + o * count * inner, t.bytes() + (o * extent + first) * inner,
                static_cast<size_t>(count * inner));
  return some;
}

std::vector<Tensor> samples_of(const std::vector<Tensor>& tensors, const std::vector<size_t>& axes,
                               int64_t first, int64_t count) {
  std::vector<Tensor> some;
  for (size_t i = 0; i < tensors.size(); ++i) some.push_back(samples_of(tensors[i], axes[i], first, count));
  return some;
}

Tensor joined(const std::vector<Tensor>& parts, size_t axis) {
  if (parts.size() == 1) return parts[0];
  Shape shape = parts[0].shape();
  const int64_t outer = count_between(shape, 0, axis);
  const int64_t inner = count_between(shape, axis + 1, shape.size()) * size_of(parts[0].dtype());
  shape[axis] = 0;
  for (const Tensor& part : parts) shape[axis] += part.shape()[axis];
  Tensor all(parts[0].dtype(), shape);
  std::byte* out = all.mutable_bytes();
  for (int64_t o = 0; o < outer; ++o) {
    for (const Tensor& part : parts) {
      const int64_t bytes = part.shape()[axis] * inner;
      std::memcpy(out, part.bytes() + o * bytes, static_cast<size_t>(bytes));
      out += bytes;
    }
  }
  return all;
}

}  // namespace onnxray
