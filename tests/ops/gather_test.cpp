#include "tests/catch.h"
#include "tests/ops/one_node.h"

using namespace onnxray;

TEST_CASE("GatherND with batch axes reads tuples per batch entry", "[ops]") {
  // x[n, i, j, :] for the tuples (i, j) of batch entry n
  const Tensor index = Tensor::of<int64_t>({2, 2, 2}, {0, 1, -1, 0, 1, 1, 0, -2});
  const Tensor y =
      OneNode("GatherND", 13).attr("batch_dims", int64_t{1}).input(counting({2, 2, 2, 2})).input(index).run();
  CHECK(y.shape() == Shape{2, 2, 2});
  CHECK(y.to_doubles() == std::vector<double>{3, 4, 5, 6, 15, 16, 9, 10});
}

TEST_CASE("ScatterND undoes GatherND", "[ops]") {
  const Tensor x = counting({3, 4, 2}), index = Tensor::of<int64_t>({2, 2}, {2, -1, 0, 1});
  const Tensor rows = OneNode("GatherND", 13).input(x).input(index).run();
  const Tensor zeros = Tensor::filled(DType::f64, {3, 4, 2}, 0);
  const Tensor scattered = OneNode("ScatterND", 18)
                               .attr("reduction", std::string("add"))
                               .input(zeros)
                               .input(index)
                               .input(rows)
                               .run();
  CHECK(OneNode("GatherND", 13).input(scattered).input(index).run().to_doubles() == rows.to_doubles());
  double total = 0;
  for (const double v : scattered.to_doubles()) total += v;
  CHECK(total == 23 + 24 + 3 + 4);
}

TEST_CASE("an entry of a tuple outside its own axis is an error, though the place may exist", "[ops]") {
  const Tensor x = counting({3, 4}), updates = counting({1});
  const auto tuple = [](int64_t i, int64_t j) { return Tensor::of<int64_t>({1, 2}, {i, j}); };
  for (const auto& [i, j] : {std::pair{0, 7}, {0, -5}, {3, 0}, {-4, 0}}) {
    // Matchers refer to their parts: they live in one expression.
    CHECK_THAT(OneNode("GatherND", 13).input(x).constant(tuple(i, j)).error(),
               Catch::Contains("is outside axis") && Catch::Contains("of [3,4]"));
    CHECK_THAT(OneNode("ScatterND", 18).input(x).constant(tuple(i, j)).input(updates).error(),
               Catch::Contains("is outside axis") && Catch::Contains("of [3,4]"));
    CHECK_THROWS_WITH(OneNode("GatherND", 13).input(x).input(tuple(i, j)).run(),
                      Catch::Contains("is outside axis"));
    CHECK_THROWS_WITH(OneNode("ScatterND", 18).input(x).input(tuple(i, j)).input(updates).run(),
                      Catch::Contains("is outside axis"));
  }
  CHECK(OneNode("GatherND", 13).input(x).input(tuple(-3, -1)).run().as_double(0) == 4);
}

TEST_CASE("indices that are longer than what they index are refused before anything is read", "[ops]") {
  const Tensor x = counting({1, 2}), index = Tensor(DType::i64, {1, 4096});
  CHECK_THAT(OneNode("GatherElements", 13).input(x).input(index).error(), Catch::Contains("may be longer"));
  CHECK_THAT(OneNode("ScatterElements", 18).input(x).input(index).input(counting({1, 4096})).error(),
             Catch::Contains("may be longer"));
  CHECK_THAT(OneNode("Scatter", 9).input(x).input(index).input(counting({1, 2})).error(),
             Catch::Contains("for updates [1,2]"));
}

TEST_CASE("OneHot counts negative indices from the end and leaves others off", "[ops]") {
  const Tensor index = Tensor::of<int64_t>({4}, {-1, 0, 3, -4}), values = Tensor::of<double>({2}, {5, 9});
  const Tensor y =
      OneNode("OneHot", 11).attr("axis", int64_t{0}).input(index).constant({3}).input(values).run();
  CHECK(y.shape() == Shape{3, 4});
  CHECK(y.to_doubles() == std::vector<double>{5, 9, 5, 5, 5, 5, 5, 5, 9, 5, 5, 5});
}

TEST_CASE("EyeLike and Trilu agree on where the diagonal is", "[ops]") {
  const int64_t k = GENERATE(-2, 0, 1, 4);
  const Tensor ones = Tensor::filled(DType::f64, {3, 4}, 1);
  const auto trilu = [&](int64_t upper) {
    return OneNode("Trilu", 14)
        .attr("upper", upper)
        .input(ones)
        .constant(Tensor::scalar(k))
        .run()
        .to_doubles();
  };
  const auto eye = OneNode("EyeLike", 9).attr("k", k).input(ones).run().to_doubles();
  for (size_t i = 0; i < eye.size(); ++i) CHECK(trilu(0)[i] + trilu(1)[i] == 1 + eye[i]);
}

TEST_CASE("reversing sequences twice restores them", "[ops]") {
  const Tensor x = counting({4, 3, 2}), lengths = Tensor::of<int64_t>({3}, {4, 1, 2});
  const Tensor once = OneNode("ReverseSequence", 10).input(x).input(lengths).run();
  CHECK(once.as_double(0) == 19);
  CHECK(OneNode("ReverseSequence", 10).input(once).input(lengths).run().to_doubles() == x.to_doubles());
}

TEST_CASE("gather operators name what does not fit", "[ops]") {
  CHECK_THAT(OneNode("Gather", 13).input(Tensor::scalar(1.0)).constant({0}).error(),
             Catch::Contains("axis 0 is outside a tensor of rank 0"));
  CHECK_THAT(
      OneNode("GatherND", 13).input(counting({2})).constant(Tensor::of<int64_t>({1, 2}, {0, 0})).error(),
      Catch::Contains("do not address a tensor [2]"));
  CHECK_THAT(OneNode("ScatterElements", 18)
                 .attr("reduction", std::string("sum"))
                 .input(counting({2}))
                 .constant({0})
                 .input(counting({1}))
                 .error(),
             Catch::Contains("'sum'"));
}
