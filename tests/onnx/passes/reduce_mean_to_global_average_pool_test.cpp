#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

TEST_CASE("a mean over all of space is global average pooling", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {2, 3, 4, 5});
  const ValueId kept = g.node("ReduceMean", 18, {x, g.ints({-1, -2})}, {{"keepdims", int64_t{1}}});
  const ValueId dropped =
      g.node("ReduceMean", 13, {x}, {{"axes", std::vector<int64_t>{2, 3}}, {"keepdims", int64_t{0}}});
  const Graph before = g.finish({kept, dropped}), changed = after(reduce_mean_to_global_average_pool, before);
  CHECK(changed.to_text() ==
        "ReduceMean0:f32[2,3,1,1] = GlobalAveragePool(x)\n"
        "ReduceMean1/pooled:f32[2,3,1,1] = GlobalAveragePool(x)\n"
        "ReduceMean1:f32[2,3] = Reshape(ReduceMean1/pooled, ReduceMean1/shape)\n");
  check_equal_results(before, changed);
}

TEST_CASE("a mean over tokens, channels or half of space stays", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {2, 3, 4, 5}), tokens = g.input("tokens", {2, 3, 4});
  const auto mean = [&](ValueId v, std::vector<int64_t> axes) {
    return g.node("ReduceMean", 13, {v}, {{"axes", std::move(axes)}});
  };
  const Graph before =
      g.finish({mean(x, {1}), mean(x, {3}), mean(x, {1, 2, 3}), mean(tokens, {2}), mean(tokens, {1})});
  CHECK(ops_of(after(reduce_mean_to_global_average_pool, before)) == ops_of(before));
}

TEST_CASE("the mean over time after a convolution is global average pooling", "[onnx][pass]") {
  GraphMaker g;
  const ValueId z = g.node("Relu", 14, {g.node("Conv", 11, {g.input("x", {2, 3, 8}), g.weights({4, 3, 3})})});
  const Graph before = g.finish({g.node("ReduceMean", 13, {z}, {{"axes", std::vector<int64_t>{2}}})});
  const Graph changed = after(reduce_mean_to_global_average_pool, before);
  CHECK(ops_of(changed) == "Conv Relu GlobalAveragePool");
  check_equal_results(before, changed);
}
