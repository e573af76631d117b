#include <cmath>
#include <random>

#include "tests/catch.h"
#include "tests/ops/one_node.h"

using namespace onnxray;

namespace {

Tensor random_tensor(const Shape& shape, uint32_t seed) {
  std::mt19937 generator(seed);
  Tensor x(DType::f64, shape);
  for (double& v : x.mutable_data<double>()) v = static_cast<double>(generator() % 2001) / 1000 - 1;
  return x;
}

double at(const Tensor& x, int64_t n, int64_t h, int64_t l, int64_t d) {
  const Shape& s = x.shape();
  return x.as_double(((n * s[1] + h) * s[2] + l) * s[3] + d);
}

/// softmax(cap(scale q k^T)) v over the keys j <= i + past, loop by loop; kv heads are shared by groups of
/// queries.
Tensor naive_attention(const Tensor& q, const Tensor& k, const Tensor& v, double scale, double cap,
                       int64_t past) {
  const Shape &s = q.shape(), &sv = v.shape();
  const int64_t group = s[1] / k.shape()[1];
  Tensor y(DType::f64, {s[0], s[1], s[2], sv[3]});
  const auto out = y.mutable_data<double>();
  for (int64_t n = 0; n < s[0]; ++n)
    for (int64_t h = 0; h < s[1]; ++h)
      for (int64_t i = 0; i < s[2]; ++i) {
        std::vector<double> weights;
        double total = 0;
        for (int64_t j = 0; j <= std::min(i + past, sv[2] - 1); ++j) {
          double score = 0;
          for (int64_t d = 0; d < s[3]; ++d) score += scale * at(q, n, h, i, d) * at(k, n, h / group, j, d);
          weights.push_back(std::exp(cap * std::tanh(score / cap)));
          total += weights.back();
        }
        for (int64_t d = 0; d < sv[3]; ++d) {
          double& sum = out[static_cast<size_t>(((n * s[1] + h) * s[2] + i) * sv[3] + d)];
          for (size_t j = 0; j < weights.size(); ++j)
            sum += weights[j] / total * at(v, n, h / group, static_cast<int64_t>(j), d);
        }
      }
  return y;
}

void check_close(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  // Double arithmetic in another order.
  for (int64_t i = 0; i < a.size(); ++i) CHECK(a.as_double(i) == Approx(b.as_double(i)).margin(1e-12));
}

}  // namespace

TEST_CASE("causal attention with grouped heads, a soft cap and a cache equals the naive loops", "[ops]") {
  const Tensor q = random_tensor({2, 4, 3, 5}, 1), k = random_tensor({2, 2, 5, 5}, 2),
               v = random_tensor({2, 2, 5, 6}, 3);
  const auto part = [](const Tensor& x, int64_t begin, int64_t end) {
    return OneNode("Slice", 13).input(x).constant({begin}).constant({end}).constant({2}).run();
  };
  const auto y = OneNode("Attention", 23)
                     .attr("is_causal", int64_t{1})
                     .attr("softcap", 0.8)
                     .attr("scale", 0.7)
                     .outputs(3)
                     .input(q)
                     .input(part(k, 2, 5))
                     .input(part(v, 2, 5))
                     .omit()
                     .input(part(k, 0, 2))
                     .input(part(v, 0, 2))
                     .run_all();
  check_close(y[0], naive_attention(q, k, v, 0.7, 0.8, 2));
  check_close(y[1], k);
  check_close(y[2], v);
}

TEST_CASE("attention of rank 3 splits and joins heads", "[ops]") {
  const Tensor q = random_tensor({2, 3, 8}, 4), k = random_tensor({2, 6, 4}, 5),
               v = random_tensor({2, 6, 6}, 6);
  const auto split = [](const Tensor& x, int64_t heads) {
    const Shape s = x.shape();
    return OneNode("Transpose", 13)
        .attr("perm", std::vector<int64_t>{0, 2, 1, 3})
        .input(x.reshaped({s[0], s[1], heads, s[2] / heads}))
        .run();
  };
  const Tensor three = OneNode("Attention", 23)
                           .attr("q_num_heads", int64_t{4})
                           .attr("kv_num_heads", int64_t{2})
                           .input(q)
                           .input(k)
                           .input(v)
                           .run();
  const Tensor four = OneNode("Attention", 23).input(split(q, 4)).input(split(k, 2)).input(split(v, 2)).run();
  CHECK(three.shape() == Shape{2, 3, 12});
  check_close(split(three, 4), four);
}

TEST_CASE("a query that may attend to nothing yields zero", "[ops]") {
  const Tensor x = random_tensor({1, 1, 2, 3}, 7);
  const Tensor mask = Tensor::of<uint8_t>({2, 2}, {0, 0, 1, 1}).to(DType::boolean);
  const Tensor y = OneNode("Attention", 23).input(x).input(x).input(x).input(mask).run();
  for (int64_t d = 0; d < 3; ++d) CHECK(y.as_double(d) == 0);
  for (int64_t d = 3; d < 6; ++d) CHECK(std::isfinite(y.as_double(d)));
  const double forbidden = -INFINITY;
  const Tensor bias = Tensor::of<double>({2, 2}, {forbidden, forbidden, 0, 0});
  check_close(OneNode("Attention", 23).input(x).input(x).input(x).input(bias).run(), y);
}

TEST_CASE("rotary embedding keeps the length of every pair", "[ops]") {
  const Tensor x = random_tensor({1, 2, 3, 6}, 8), angle = random_tensor({3, 2}, 9);
  Tensor cos(DType::f64, {3, 2}), sin(DType::f64, {3, 2});
  for (size_t i = 0; i < 6; ++i) {
    cos.mutable_data<double>()[i] = std::cos(angle.data<double>()[i]);
    sin.mutable_data<double>()[i] = std::sin(angle.data<double>()[i]);
  }
  const int64_t interleaved = GENERATE(0, 1);
  const Tensor y = OneNode("RotaryEmbedding", 23)
                       .attr("interleaved", interleaved)
                       .attr("rotary_embedding_dim", int64_t{4})
                       .input(x)
                       .input(cos)
                       .input(sin)
                       .constant(Tensor::of<int64_t>({1, 3}, {2, 0, 1}))
                       .run();
  for (int64_t row = 0; row < 6; ++row) {
    for (int64_t pair = 0; pair < 2; ++pair) {
      const int64_t first = row * 6 + (interleaved ? 2 * pair : pair), second = first + (interleaved ? 1 : 2);
      CHECK(std::hypot(y.as_double(first), y.as_double(second)) ==
            Approx(std::hypot(x.as_double(first), x.as_double(second))));
    }
    for (int64_t d = 4; d < 6; ++d) CHECK(y.as_double(row * 6 + d) == x.as_double(row * 6 + d));
  }
}

TEST_CASE("attention names the heads that do not fit", "[ops]") {
  const Tensor x = random_tensor({1, 2, 6}, 1);
  CHECK_THAT(OneNode("Attention", 23).attr("q_num_heads", int64_t{4}).input(x).input(x).input(x).error(),
             Catch::Contains("q_num_heads = 4"));
}
