#include "tests/backends/cases.h"

#include <stdexcept>

namespace onnxray::test {

namespace {

/// SplitMix64.
uint64_t next(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

Tensor random_tensor(Shape shape, uint64_t seed, double scale) {
  Tensor t(DType::f32, std::move(shape));
  for (float& x : t.mutable_data<float>()) {
    x = static_cast<float>(scale * (static_cast<double>(next(seed) >> 40) / (1 << 23) - 1));
  }
  return t;
}

Tensor random_integers(Shape shape, uint64_t seed, int64_t low, int64_t high, DType dtype) {
  Tensor t(DType::i64, std::move(shape));
  for (int64_t& x : t.mutable_data<int64_t>())
    x = low + static_cast<int64_t>(next(seed) % static_cast<uint64_t>(high - low));
  return t.to(dtype);
}

PrimitiveCase make_case(std::string name, std::vector<Tensor> inputs,
                        const std::function<void(Builder&, const std::vector<Var>&)>& emit) {
  Program program;
  Builder b(program);
  std::vector<Var> vars;
  for (const Tensor& x : inputs) vars.push_back(b.input("x", x.shape(), x.dtype()));
  emit(b, vars);
  if (program.steps.size() != 1) throw std::logic_error("case '" + name + "' is not one step");
  const Step& step = program.steps[0];
  PrimitiveCase c{std::move(name), step.primitive, {}, {}};
  for (const Var v : step.inputs) c.inputs.push_back(inputs[static_cast<size_t>(v.id)]);
  for (const Var v : step.outputs) c.results.push_back({program[v].shape, program[v].dtype});
  return c;
}

Shape result_shape(const WindowCase& w) {
  Shape shape{w.x[0], w.channels};
  const Shape spatial = window_output(w.window, std::span(w.x).subspan(2));
  shape.insert(shape.end(), spatial.begin(), spatial.end());
  return shape;
}

Shape weight_shape(const WindowCase& w) {
  Shape shape{w.channels, w.x[1] / w.groups};
  shape.insert(shape.end(), w.window.kernel.begin(), w.window.kernel.end());
  return shape;
}

std::vector<WindowCase> convolution_windows() {
  // kernel, strides, dilations, pads_begin, pads_end
  return {
      {"1-D", {2, 3, 9}, {{3}, {1}, {1}, {1}, {1}}, 4, 1},
      {"1-D strided, dilated, one-sided pad", {2, 4, 17}, {{3}, {2}, {3}, {4}, {0}}, 6, 2},
      {"2-D 3x3 same", {2, 3, 8, 7}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, 5, 1},
      {"2-D 1x1", {3, 16, 5, 5}, {{1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, 24, 1},
      {"2-D 1x1 strided", {2, 8, 7, 7}, {{1, 1}, {2, 2}, {1, 1}, {0, 0}, {0, 0}}, 16, 1},
      {"2-D 7x7 stem", {1, 3, 19, 23}, {{7, 7}, {2, 2}, {1, 1}, {3, 3}, {3, 3}}, 8, 1},
      {"2-D valid, whole input", {2, 6, 4, 4}, {{4, 4}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, 10, 1},
      {"2-D grouped", {2, 8, 6, 5}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, 12, 4},
      {"2-D depthwise", {2, 16, 9, 9}, {{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}}, 16, 16},
      {"2-D depthwise, two channels each", {1, 5, 6, 6}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, 10, 5},
      {"2-D dilated", {1, 4, 11, 12}, {{3, 3}, {1, 1}, {2, 3}, {2, 3}, {2, 3}}, 7, 1},
      {"2-D asymmetric kernel, stride and pads",
       {2, 3, 10, 9},
       {{2, 5}, {3, 2}, {1, 1}, {0, 1}, {2, 3}},
       4,
       1},
      {"2-D with unread last rows", {1, 2, 8, 8}, {{2, 2}, {3, 3}, {1, 1}, {0, 0}, {0, 0}}, 3, 1},
      {"2-D pads wider than the kernel", {1, 2, 3, 3}, {{2, 2}, {1, 1}, {1, 1}, {3, 3}, {2, 4}}, 3, 1},
      {"3-D", {2, 2, 5, 6, 4}, {{3, 3, 3}, {1, 2, 1}, {1, 1, 1}, {1, 1, 1}, {1, 0, 1}}, 4, 1},
      {"3-D grouped, dilated",
       {1, 4, 7, 5, 6},
       {{2, 1, 2}, {1, 1, 2}, {3, 1, 2}, {0, 0, 1}, {1, 0, 1}},
       6,
       2},
  };
}

std::vector<WindowCase> pool_windows() {
  return {
      {"1-D", {2, 3, 10}, {{3}, {2}, {1}, {1}, {1}}},
      {"2-D 2x2", {2, 3, 8, 6}, {{2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}}},
      {"2-D 3x3 overlapping", {2, 16, 9, 9}, {{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}}},
      {"2-D 3x3 stride 1", {1, 5, 6, 7}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}},
      {"2-D global", {2, 4, 7, 7}, {{7, 7}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}},
      {"2-D large kernel", {1, 2, 20, 18}, {{17, 17}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}},
      {"2-D asymmetric, ceil mode", {2, 3, 7, 8}, {{3, 2}, {2, 3}, {1, 1}, {0, 1}, {2, 1}}},
      {"2-D dilated", {1, 2, 9, 9}, {{2, 3}, {1, 2}, {3, 2}, {1, 0}, {1, 2}}},
      {"2-D windows that hold only padding", {1, 2, 3, 3}, {{2, 2}, {1, 1}, {1, 1}, {3, 2}, {2, 3}}},
      {"3-D", {1, 3, 5, 6, 4}, {{2, 3, 2}, {2, 1, 2}, {1, 1, 1}, {0, 1, 0}, {1, 1, 0}}},
  };
}

}  // namespace onnxray::test
