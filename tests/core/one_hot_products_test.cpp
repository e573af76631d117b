#include <numeric>

#include "core/optimise/optimise.h"
#include "tests/core/changed_by.h"

namespace onnxray::test {
namespace {

constexpr int64_t kClasses = 512, kUnits = 128;

/// Whether each place, counted from `first` on, is what the index says: [rows, classes].
Var equals_place(Builder& b, Var index, int64_t first) {
  std::vector<int64_t> counted(kClasses);
  std::iota(counted.begin(), counted.end(), first);
  return b.equal(b.constant(Tensor::of<int64_t>({1, kClasses}, counted)), index);
}

Var weights(Builder& b) {
  std::vector<float> values(kClasses * kUnits);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 97) - 48;
  return b.constant(Tensor::of<float>({kClasses, kUnits}, values));
}

TEST_CASE("the seed of a class reads one row of the weights, not all") {
  Program program;
  Builder b(program);
  const Var index = b.input("index", {2, 1}, DType::i64),
            logits = b.input("logits", {2, kClasses}, DType::f32);
  const Var chosen = equals_place(b, index, 0);
  const Var seed = b.mul(b.cast(chosen, DType::f32), logits);
  const Var w = weights(b);
  b.output("back", b.matmul(seed, w));
  b.output("other", b.matmul(logits, w));
  std::vector<float> values(2 * kClasses);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 13) - 6;
  const std::vector<Tensor> inputs{Tensor::of<int64_t>({2, 1}, {500, 3}),
                                   Tensor::of<float>({2, kClasses}, values)};
  // A sum whose other terms are 0 is exact.
  const Program after = changed_by(program, inputs, replace_one_hot_products);
  CHECK(count(after, "matmul") == 1);
  CHECK(count(after, "gather") == 1);
}

TEST_CASE("a comparison with places that are not counted from 0 chooses no row") {
  Program program;
  Builder b(program);
  const Var index = b.input("index", {1, 1}, DType::i64);
  const Var chosen = equals_place(b, index, 1);
  b.output("row", b.matmul(b.cast(chosen, DType::f32), weights(b)));
  const Program after = changed_by(program, {Tensor::of<int64_t>({1, 1}, {500})}, replace_one_hot_products);
  CHECK(count(after, "matmul") == 1);
}

TEST_CASE("the row that a class's seed meets of a weight's form is a form of the weight's row") {
  Program program;
  Builder b(program);
  const Var index = b.input("index", {1, 1}, DType::i64);
  const Var seed = b.cast(equals_place(b, index, 0), DType::f32);
  const Var w = weights(b);
  b.output("raised", b.matmul(seed, b.add(w, b.mul(b.max(w, 0.0), 0.25))));
  Program after = changed_by(program, {Tensor::of<int64_t>({1, 1}, {500})}, replace_one_hot_products);
  eliminate_dead_code(after);
  for (const Step& step : after.steps) CHECK(after[step.outputs[0]].shape != Shape{kClasses, kUnits});
}

}  // namespace
}  // namespace onnxray::test
