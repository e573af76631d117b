#include <cmath>

#include "tests/api/token_nets.h"
#include "tests/support/error_of.h"

// Maps over ids: one number for each.

namespace onnxray::test {
namespace {

TEST_CASE("a class token in front and shifted ids leave each id its own rows") {
  // [9, a, b, c] and [a, b] : the sum over an id's rows.
  ModelBuilder b;
  b.input("ids", {-1, kTokens}, onnx::TensorProto::INT64);
  table(b);
  ints(b, "start", {1, 1}, {9});
  ints(b, "zero", {1}, {0});
  ints(b, "two", {1}, {2});
  ints(b, "one", {1}, {1});
  set_int(b.node("Concat", {"start", "ids"}, {"sentence"}), "axis", 1);
  b.node("Slice", {"ids", "zero", "two", "one"}, {"shifted"});
  set_int(b.node("Concat", {"sentence", "shifted"}, {"index"}), "axis", 1);
  b.node("Gather", {"words", "index"}, {"rows"});
  classify(b, "rows", 6 * kWidth);
  Session session(ModelFile(b).load(), kDouble);
  const Tensor ids = Tensor::of<int64_t>({1, kTokens}, {4, 2, 8});
  const auto map = [&](const std::string& method, const std::string& at) {
    return session.explain(ids, {.method = method, .target = Target::index(0), .at = at}).attribution;
  };
  for (const std::string method : {"gradient_x_input", "lrp_z", "lrp_z_plus", "integrated_gradients"}) {
    INFO(method);
    const Tensor own = map(method, "");
    REQUIRE(own.shape() == Shape{1, kTokens});
    if (method == "integrated_gradients") continue;  // at "rows" the class token's would move as well
    const Tensor rows = map(method, "rows");
    const auto row = [&](int64_t t) {
      double total = 0;
      for (int64_t d = 0; d < kWidth; ++d) total += rows.as_double(t * kWidth + d);
      return total;
    };
    CHECK(own.as_double(0) == Approx(row(1) + row(4)));
    CHECK(own.as_double(1) == Approx(row(2) + row(5)));
    CHECK(own.as_double(2) == Approx(row(3)));
  }
}

TEST_CASE("an input of ids and numbers has both in one map") {
  const Tensor x = Tensor::of<float>({2, 5}, {3, 0.5F, 1, -0.25F, 2, 0, -1, 6, 0.75F, 0.5F});
  const Tensor ids = Tensor::of<int64_t>({2, 2}, {3, 1, 0, 6}),
               numbers = Tensor::of<float>({2, 3}, {0.5F, -0.25F, 2, -1, 0.75F, 0.5F});
  const std::vector<std::string> methods{"gradient",       "gradient_x_input",
                                         "lrp_z",          "lrp_epsilon_0_1",
                                         "lrp_z_plus",     "integrated_gradients_steps_5",
                                         "deep_taylor",    "occlusion:window=1,stride=1",
                                         "gradient_x_sign"};
  const auto one = maps_of(tabular(false), {x}, methods);
  const auto two = maps_of(tabular(true), {ids, numbers}, methods);
  REQUIRE(one.size() == methods.size());
  for (const std::string& method : methods) {
    INFO(method);
    const Tensor &map = one.at(method + " x"), &of_ids = two.at(method + " ids"),
                 &of_numbers = two.at(method + " numbers");
    std::vector<double> joined;
    for (int64_t n = 0; n < 2; ++n) {
      const auto id = [&](int64_t i) { joined.push_back(of_ids.as_double(2 * n + i)); };
      const auto number = [&](int64_t i) { joined.push_back(of_numbers.as_double(3 * n + i)); };
      id(0), number(0), id(1), number(1), number(2);
    }
    CHECK(difference(map, joined) < kSame);
  }
}

TEST_CASE("ids of an input that holds numbers too do not move with them") {
  Session session(ModelFile(tabular(false)).load(), kDouble);
  const Tensor x = Tensor::of<float>({1, 5}, {3, 0.5F, 1, -0.25F, 2});
  const Explanations all = session.explain_many(
      {x},
      {.methods = {"integrated_gradients:ig_quadrature=gauss_legendre,steps=400", "smoothgrad_samples_4"},
       .targets = {Target::index(1)}});
  // The gap is small only if the path from zero ends in the same ids: 400 points on a net of kinks.
  CHECK(std::abs(all.attributions[0].completeness_gap[0]) < 1e-2 * std::abs(all.targets[0].scores[0]));
  for (const Attribution& a : all.attributions) {
    CHECK(a.embeddings == std::vector<std::string>{"rows"});
    for (const double v : a.values.to_doubles()) CHECK(std::isfinite(v));
  }
}

TEST_CASE("the gradient of a token is the norm over its row; sum and product with the row on request") {
  ModelBuilder b;
  b.input("ids", {-1, kTokens}, onnx::TensorProto::INT64);
  table(b);
  weight(b, "scale", {kWidth}, 2);
  b.node("Gather", {"words", "ids"}, {"rows"});
  b.node("LayerNormalization", {"rows", "scale"}, {"normal"});
  classify(b, "normal");
  Session session(ModelFile(b).load(), kDouble);
  const Tensor ids = Tensor::of<int64_t>({1, kTokens}, {4, 2, 8});
  const auto map = [&](const std::string& method, const std::string& at = "") {
    return session.explain(ids, {.method = method, .target = Target::index(0), .at = at}).attribution;
  };
  const Tensor g = map("gradient", "rows"), norm = map("gradient"), sum = map("gradient:tokens=sum"),
               dot = map("gradient:tokens=dot");
  const std::vector<double> words = hashed_values(kVocabulary * kWidth, 1, 0.6);
  for (int64_t t = 0; t < kTokens; ++t) {
    double squares = 0, product = 0;
    for (int64_t d = 0; d < kWidth; ++d) {
      const double v = g.as_double(t * kWidth + d);
      squares += v * v;
      product += v * static_cast<float>(words[static_cast<size_t>(ids.as_int64(t) * kWidth + d)]);
    }
    CHECK(norm.as_double(t) == Approx(std::sqrt(squares)));
    CHECK(norm.as_double(t) > 1e-3);
    CHECK(dot.as_double(t) == Approx(product).margin(1e-12));
    // The mean of a row goes nowhere: rounding of terms of size 1 is left.
    CHECK(std::abs(sum.as_double(t)) < 1e-12);
  }
  CHECK(difference(dot, map("gradient_x_input")) == 0);
  CHECK(says(error_of([&] { map("gradient:tokens=mean"); }), ErrorCode::usage, "sum, norm and dot"));
}

TEST_CASE("tiny gradients of tokens have a norm") {
  ModelBuilder b;
  b.input("ids", {-1, kTokens}, onnx::TensorProto::INT64);
  table(b);
  b.initialiser("tiny", {}, {1e-30F});
  b.node("Gather", {"words", "ids"}, {"rows"});
  b.node("Mul", {"rows", "tiny"}, {"small"});
  classify(b, "small");
  Session session(ModelFile(b).load(), {.backend = "reference"});
  const Tensor ids = Tensor::of<int64_t>({1, kTokens}, {4, 2, 8});
  // 1e-30 squared is no float.
  for (const double v : session.explain(ids, {.target = Target::index(0)}).attribution.to_doubles()) {
    CHECK(v > 1e-33);
    CHECK(v < 1e-29);
  }
}

TEST_CASE("attribute names the inputs that are explained, and the others stay as they are") {
  Session session(ModelFile(tabular(true)).load(), kDouble);
  const std::vector<Tensor> inputs{Tensor::of<int64_t>({1, 2}, {3, 1}),
                                   Tensor::of<float>({1, 3}, {0.5F, -0.25F, 2})};
  ExplainManyOptions options{
      .methods = {"integrated_gradients:ig_quadrature=gauss_legendre,steps=60", "lrp_z", "smoothgrad"},
      .targets = {Target::index(1)},
      .attribute = {"numbers"}};
  const Explanations all = session.explain_many(inputs, options);
  REQUIRE(all.attributions.size() == 3);
  for (const Attribution& a : all.attributions) CHECK(a.input == "numbers");
  // IG sums to f(x) - f(numbers at zero, ids as they are).
  const Tensor zeros(DType::f32, {1, 3});
  const double start = session.run({inputs[0], zeros})[0].tensor.as_double(1);
  CHECK(all.attributions[0].sums[0] == Approx(all.targets[0].scores[0] - start).epsilon(0.02));
  // Relevance does not move anything: it is what it is among all.
  options.attribute = {};
  const Explanations both = session.explain_many(inputs, options);
  REQUIRE(both.attributions.size() == 6);
  CHECK(difference(all.attributions[1].values, both.attributions[2].values) == 0);
  options.attribute = {"number"};
  CHECK(says(error_of([&] { session.explain_many(inputs, options); }), ErrorCode::usage,
             "no input 'number'; it has 'ids', 'numbers'"));
}

}  // namespace
}  // namespace onnxray::test
