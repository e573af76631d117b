#include "api/not_finite.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <limits>

namespace onnxray {

namespace {

struct Count {
  int64_t nan = 0, infinite = 0;
};

/// By the exponent's bits, many numbers at once: most tensors are done with this.
template <class T, class Bits>
bool all_finite(std::span<const T> values) {
  static_assert(sizeof(T) == sizeof(Bits));
  constexpr auto kExponent = std::bit_cast<Bits>(std::numeric_limits<T>::infinity());
  Bits bad = 0;
  for (const T v : values) bad |= Bits{(std::bit_cast<Bits>(v) & kExponent) == kExponent};
  return bad == 0;
}

template <class T, class Bits>
Count count(std::span<const T> values) {
  if (all_finite<T, Bits>(values)) return {};
  Count all;
  for (const T v : values) {
    all.nan += std::isnan(v) ? 1 : 0;
    all.infinite += std::isinf(v) ? 1 : 0;
  }
  return all;
}

Count count(const Tensor& tensor) {
  if (!is_floating(tensor.dtype())) return {};
  if (tensor.dtype() == DType::f32) return count<float, uint32_t>(tensor.data<float>());
  const std::vector<double> values = tensor.to_doubles();
  return count<double, uint64_t>(values);
}

}  // namespace

std::string not_finite_note(const std::string& what, const Tensor& tensor) {
  const Count found = count(tensor);
  if (found.nan == 0 && found.infinite == 0) return {};
  std::string numbers = found.nan > 0 ? fmt::format("{} NaN", found.nan) : "";
  if (found.infinite > 0)
    numbers += fmt::format("{}{} infinite", numbers.empty() ? "" : " and ", found.infinite);
  return fmt::format("{} holds {} of {} numbers", what, numbers, tensor.size());
}

void note_not_finite(const Graph& model, const std::vector<Tensor>& inputs, Explanations& explanations) {
  const auto look = [&](const std::string& what, const Tensor& tensor) {
    const std::string note = not_finite_note(what, tensor);
    if (!note.empty()) explanations.not_finite.push_back(note);
  };
  for (size_t i = 0; i < inputs.size() && i < model.inputs.size(); ++i)
    look(fmt::format("input '{}'", model[model.inputs[i].value].name), inputs[i]);
  for (const NamedTensor& output : explanations.outputs)
    look(fmt::format("output '{}'", output.name), output.tensor);
  for (const Attribution& a : explanations.attributions)
    look(fmt::format("the map of {} over '{}'", a.method, a.input), a.values);
}

}  // namespace onnxray
