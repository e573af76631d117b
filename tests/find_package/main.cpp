#include <onnxray/onnxray.h>

#include <cstdio>

// Explains a model on an input of ones and prints what the attribution adds up to.
int main(int argc, char** argv) try {
  if (argc != 2) return 2;
  const auto model = onnxray::Model::load(argv[1]);
  const auto input = model.inputs().at(0);
  onnxray::Shape shape;
  for (const auto& extent : input.extents) {
    shape.push_back(std::holds_alternative<int64_t>(extent) ? std::get<int64_t>(extent) : 1);
  }
  onnxray::Session session(model);
  const auto result =
      session.explain(onnxray::Tensor::filled(onnxray::DType::f32, shape, 1), {.method = "lrp_z"});
  double sum = 0;
  for (const float value : result.attribution.data<float>()) sum += value;
  std::printf("%g\n", sum);
} catch (const onnxray::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
