#include "methods/sample_readings.h"

#include "core/samples.h"
#include "tests/catch.h"

namespace onnxray::test {
namespace {

using Axes = std::vector<std::optional<int64_t>>;
constexpr auto kNone = std::nullopt;

BatchedInput input(ValueId id, Shape shape, std::vector<std::string> symbols = {}, bool is_floating = true) {
  symbols.resize(shape.size());
  return {id, Var{id}, std::move(shape), std::move(symbols), is_floating};
}

std::vector<Axes> axes_of(const std::vector<BatchedInput>& inputs, const Shape& result,
                          const GivenSamples& given = {}) {
  std::vector<Axes> all;
  for (const Reading& reading : likely_readings(inputs, result, given)) all.push_back(reading.axes);
  return all;
}

TEST_CASE("the first axis comes first, then others that the result has room for") {
  CHECK(axes_of({input(0, {7, 2, 4})}, {2, 3}) == std::vector<Axes>{{1}});
  CHECK(axes_of({input(0, {3, 3, 4})}, {3, 5}) == std::vector<Axes>{{0}, {1}});
  CHECK(axes_of({input(0, {5, 4}), input(1, {2, 7})}, {1, 3}).empty());
  CHECK(axes_of({input(0, {3, 4}), input(1, {1, 3, 6})}, {3, 2}) == std::vector<Axes>{{0, 1}});
}

TEST_CASE("an axis that the model calls its batch comes before the first") {
  CHECK(axes_of({input(0, {3, 2, 4}, {"time", "batch", ""})}, {3, 2, 5}) == std::vector<Axes>{{1}, {0}});
  CHECK(axes_of({input(0, {3, 2, 4}, {"T", "B", ""}), input(1, {2, 2}, {"m", "n"})}, {2, 5})[0] ==
        Axes{1, kNone});
  CHECK(means_batch("batch_size"));
  CHECK(means_batch("unk_Batch"));
  CHECK(means_batch("B"));
  CHECK_FALSE(means_batch("N"));
  CHECK_FALSE(means_batch(""));
}

TEST_CASE("an input with that extent has the samples too, unless the batch is named and it lacks the name") {
  // Rows of an adjacency matrix are no samples beside the nodes' features.
  const std::vector<Axes> all = axes_of({input(0, {5, 4}), input(1, {5, 5})}, {5, 3});
  CHECK(all == std::vector<Axes>{{0, 0}, {0, 1}});
}

TEST_CASE("a vector of as many results is no batch of numbers, and real inputs have the samples") {
  CHECK(axes_of({input(0, {4})}, {4}).empty());
  CHECK(axes_of({input(0, {4})}, {4}, {{0, 0}}) == std::vector<Axes>{{0}});
  CHECK(axes_of({input(0, {4}), input(1, {4})}, {4, 1}) == std::vector<Axes>{{0, 0}});
  CHECK(axes_of({input(0, {5, 4}), input(1, {2, 7}, {}, false)}, {7, 1}).empty());
}

TEST_CASE("what is given holds in every reading") {
  CHECK(axes_of({input(0, {3, 3, 4})}, {3, 5}, {{0, 1}}) == std::vector<Axes>{{1}});
  CHECK(axes_of({input(0, {3, 4}), input(1, {3, 6})}, {3, 5}, {{1, kNone}}) == std::vector<Axes>{{0, kNone}});
  CHECK(axes_of({input(0, {3, 4})}, {3, 5}, {{0, kNone}}).empty());
}

}  // namespace
}  // namespace onnxray::test
