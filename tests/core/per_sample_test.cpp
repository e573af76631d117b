#include "core/per_sample.h"

#include "backends/reference/reference.h"
#include "core/plan.h"
#include "tests/catch.h"

namespace onnxray {
namespace {

using Values = std::vector<double>;
using At = std::optional<SampleAxis>;

/// What a program of one input, 0, 1, 2, ..., makes of it.
template <class Emit>
Tensor result_of(const Shape& shape, const Emit& emit) {
  Program program;
  Builder b(program);
  const Var x = b.input("x", shape, DType::f64);
  b.output("y", emit(b, x));
  Values values(static_cast<size_t>(element_count(shape)));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
  const auto backend = make_reference_backend(true);
  const Tensor input = Tensor::of<double>(shape, values);
  return backend->compile(make_plan(program, backend->plan_options()))->run(std::span(&input, 1))[0];
}

Tensor sums(const Shape& shape, const At& at) {
  return result_of(shape, [&](Builder& b, Var x) { return sum_per_sample(b, x, at); });
}

TEST_CASE("sums are taken over all that is of a sample, on whatever axis the samples lie") {
  CHECK(sums({2, 3}, SampleAxis{0}).to_doubles() == Values{3, 12});
  CHECK(sums({2, 3}, SampleAxis{1}).to_doubles() == Values{3, 5, 7});
  CHECK(sums({2, 2, 2}, SampleAxis{1}).to_doubles() == Values{0 + 1 + 4 + 5, 2 + 3 + 6 + 7});
  CHECK(sums({3}, SampleAxis{0}).to_doubles() == Values{0, 1, 2});
  // Two samples' rows of [2,2], and two samples between two blocks and pairs.
  CHECK(sums({4, 2}, SampleAxis{0, 1, 2}).to_doubles() == Values{0 + 1 + 2 + 3, 4 + 5 + 6 + 7});
  CHECK(sums({8}, SampleAxis{0, 2, 2}).to_doubles() == Values{0 + 1 + 4 + 5, 2 + 3 + 6 + 7});
}

TEST_CASE("without an axis of samples a value is one sample's") {
  CHECK(sums({2, 3}, {}).to_doubles() == Values{15});
  CHECK(sums({2, 3}, {}).shape() == Shape{1});
  CHECK(sums({}, {}).shape() == Shape{1});
  const auto largest = [](const Shape& shape, const At& at) {
    return result_of(shape,
                     [&](Builder& b, Var x) { return reduce_per_sample(b, Reduce::Kind::max, x, at); });
  };
  CHECK(largest({2, 3}, {}).to_doubles() == Values{5});
  CHECK(largest({2, 3}, SampleAxis{1}).to_doubles() == Values{3, 4, 5});
  CHECK(largest({2, 3}, SampleAxis{1}).shape() == Shape{1, 3});
  CHECK(largest({8}, SampleAxis{0, 2, 2}).to_doubles() == Values{5, 5, 7, 7, 5, 5, 7, 7});
  const auto mean = [](const Shape& shape, const At& at) {
    return result_of(shape, [&](Builder& b, Var x) { return mean_per_sample(b, x, at); });
  };
  CHECK(mean({2, 3}, SampleAxis{0}).to_doubles() == Values{1, 4});
  CHECK(mean({8}, SampleAxis{0, 2, 2}).to_doubles() == Values{2.5, 2.5, 4.5, 4.5, 2.5, 2.5, 4.5, 4.5});
}

TEST_CASE("numbers of samples and what is the same for each come to their places") {
  const auto spread_over = [](const Shape& shape, const At& at) {
    return result_of({2}, [&](Builder& b, Var x) { return b.broadcast(spread(b, x, shape, at), shape); });
  };
  CHECK(spread_over({2, 2}, SampleAxis{0}).to_doubles() == Values{0, 0, 1, 1});
  CHECK(spread_over({2, 2}, SampleAxis{1}).to_doubles() == Values{0, 1, 0, 1});
  CHECK(spread_over({8}, SampleAxis{0, 2, 2}).to_doubles() == Values{0, 0, 1, 1, 0, 0, 1, 1});
  CHECK(one_sample({8, 3}, SampleAxis{0, 2, 2}) == Shape{4, 3});
  CHECK(one_sample({5, 2, 3}, SampleAxis{1}) == Shape{5, 1, 3});
  CHECK(one_sample({5, 3}, {}) == Shape{5, 3});
  const auto repeat = [](const Shape& shape, const At& at) {
    return result_of(one_sample(shape, at),
                     [&](Builder& b, Var one) { return b.broadcast(repeated(b, one, shape, at), shape); });
  };
  CHECK(repeat({2, 2}, SampleAxis{1}).to_doubles() == Values{0, 0, 1, 1});
  CHECK(repeat({8}, SampleAxis{0, 2, 2}).to_doubles() == Values{0, 1, 0, 1, 2, 3, 2, 3});
}

}  // namespace
}  // namespace onnxray
