// Bytes of a model, through everything that a model goes through: loading, specialisation, one explanation.

#include "api/onnxray.h"
#include "tests/fuzz/target.h"

namespace onnxray {
namespace {

constexpr int64_t kMostEntries = 1 << 12;

/// Zeros for an input whose open extents are 2; nothing where it would be large.
std::optional<Tensor> small_zeros(const ValueInfo& info) {
  Shape shape;
  int64_t entries = 1;
  for (const auto& extent : info.extents) {
    const auto* fixed = std::get_if<int64_t>(&extent);
    shape.push_back(fixed ? *fixed : 2);
    if (shape.back() < 0 || shape.back() > kMostEntries) return std::nullopt;
    entries *= shape.back();
    if (entries > kMostEntries) return std::nullopt;
  }
  return Tensor(info.dtype.value_or(DType::f32), std::move(shape));
}

void explain(std::span<const std::byte> bytes) {
  const Model model = Model::from_bytes(bytes, {.max_growth = 64 << 20});
  std::vector<Tensor> inputs;
  for (const ValueInfo& info : model.inputs()) {
    std::optional<Tensor> zeros = small_zeros(info);
    if (!zeros) return;
    inputs.push_back(std::move(*zeros));
  }
  Session session(model, {.backend = "reference", .threads = 1, .max_memory = 64 << 20});
  session.explain_many(inputs, {.methods = {"gradient", "lrp_epsilon_0_1"}});
}

}  // namespace
}  // namespace onnxray

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return onnxray::test::only_errors([&] {
    onnxray::explain({reinterpret_cast<const std::byte*>(data), size});
  });
}
