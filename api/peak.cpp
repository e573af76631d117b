#include <algorithm>
#include <chrono>

#include "api/backends.h"
#include "core/builder.h"

namespace onnxray {

double measured_peak_gflops(const SessionOptions& options) {
  constexpr int64_t kExtent = 1024;
  constexpr int kRuns = 9;
  const std::unique_ptr<Backend> backend = make_backend(options);
  Program program;
  Builder b(program);
  const Var x = b.input("x", {kExtent, kExtent}, DType::f32);
  std::vector<double> weights(kExtent * kExtent);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<double>(i % 7) - 3;
  const Var w = b.constant(Tensor::of<double>({kExtent, kExtent}, weights));
  b.program()[w].dtype = DType::f32;
  // A chain, so that copying the input and the result weighs little.
  Var y = x;
  for (int i = 0; i < kRuns; ++i) y = b.matmul(y, w);
  b.output("y", y);
  const std::unique_ptr<Executable> executable =
      backend->compile(make_plan(program, backend->plan_options()));
  const std::vector<Tensor> inputs{
      Tensor::of<float>({kExtent, kExtent}, std::vector<float>(kExtent * kExtent))};
  double best = 0;
  for (int i = 0; i < kRuns; ++i) {
    const auto start = std::chrono::steady_clock::now();
    executable->run(inputs);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, kRuns * 2.0 * kExtent * kExtent * kExtent / seconds.count() / 1e9);
  }
  return best;
}

}  // namespace onnxray
