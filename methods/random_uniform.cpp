#include "core/per_sample.h"
#include "methods/method.h"

namespace onnxray {

std::vector<Var> emit_random_uniform(const MethodSpec& method, const MethodContext& context) {
  // U(-1, 1), drawn once and the same for every sample: a sample's map must not depend on its batch.
  Builder& b = context.b;
  std::vector<Var> attributions;
  const DType type = b.dtype(context.logits());
  for (size_t i = 0; i < context.inputs_explained.size(); ++i) {
    const ValueId input = context.inputs_explained[i].input;
    const Shape shape = b.shape(context.var(input));
    const auto at = context.samples.of(input);
    const Var number = b.constant(Tensor::of<int64_t>({}, {static_cast<int64_t>(i)}));
    const Var draws = b.noise(Noise::Kind::uniform, seed_of(method), number, one_sample(shape, at), type);
    attributions.push_back(b.broadcast(repeated(b, draws, shape, at), shape));
  }
  return attributions;
}

}  // namespace onnxray
