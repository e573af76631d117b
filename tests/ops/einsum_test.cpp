#include <map>
#include <random>

#include "tests/catch.h"
#include "tests/ops/one_node.h"

using namespace onnxray;

namespace {

/// Every assignment of the labels, one multiplication at a time.
Tensor naive_einsum(const std::vector<std::string>& terms, const std::string& result,
                    const std::vector<Tensor>& operands) {
  std::map<char, int64_t> extents;
  for (size_t t = 0; t < terms.size(); ++t) {
    for (size_t i = 0; i < terms[t].size(); ++i)
      extents[terms[t][i]] = std::max(extents[terms[t][i]], operands[t].shape()[i]);
  }
  Shape shape;
  for (const char label : result) shape.push_back(extents[label]);
  Tensor y(DType::f64, shape);
  const auto out = y.mutable_data<double>();
  std::map<char, int64_t> at;
  for (const auto& [label, extent] : extents) at[label] = 0;
  const auto offset = [&](const std::string& labels, const Shape& s) {
    int64_t place = 0;
    for (size_t i = 0; i < labels.size(); ++i) place = place * s[i] + (s[i] == 1 ? 0 : at[labels[i]]);
    return static_cast<size_t>(place);
  };
  while (true) {
    double product = 1;
    for (size_t t = 0; t < terms.size(); ++t)
      product *= operands[t].data<double>()[offset(terms[t], operands[t].shape())];
    out[offset(result, shape)] += product;
    auto digit = at.begin();
    for (; digit != at.end() && ++digit->second == extents[digit->first]; ++digit) digit->second = 0;
    if (digit == at.end()) return y;
  }
}

struct RandomEquation {
  std::mt19937 generator;

  int64_t below(int64_t n) { return static_cast<int64_t>(generator() % static_cast<uint32_t>(n)); }

  std::string term() {
    std::string labels;
    for (int64_t i = below(5); i > 0; --i) labels += static_cast<char>('a' + below(5));
    return labels;
  }

  Tensor operand(const std::string& labels) {
    Shape shape;
    for (const char label : labels) shape.push_back(1 + (label - 'a') % 4);
    Tensor x(DType::f64, shape);
    for (double& v : x.mutable_data<double>()) v = static_cast<double>(below(2001) - 1000) / 1000;
    return x;
  }

  /// A random selection of the terms' labels, each once.
  std::string result(const std::vector<std::string>& terms) {
    std::string all, chosen;
    for (const std::string& labels : terms) all += labels;
    for (const char label : all) {
      if (chosen.find(label) == std::string::npos && below(2) == 0) chosen += label;
    }
    return chosen;
  }
};

}  // namespace

TEST_CASE("einsum equals the naive loop for random equations", "[ops]") {
  RandomEquation random{std::mt19937(7)};
  for (int round = 0; round < 150; ++round) {
    std::vector<std::string> terms;
    std::vector<Tensor> operands;
    for (int64_t n = 1 + random.below(3); n > 0; --n) terms.push_back(random.term());
    const std::string result = random.result(terms);
    std::string equation;
    for (size_t t = 0; t < terms.size(); ++t) equation += (t == 0 ? "" : ",") + terms[t];
    equation += "->" + result;
    OneNode node("Einsum", 12);
    node.attr("equation", equation);
    for (const std::string& term : terms) {
      operands.push_back(random.operand(term));
      node.input(operands.back());
    }
    INFO(equation);
    const Tensor y = node.run(), expected = naive_einsum(terms, result, operands);
    REQUIRE(y.shape() == expected.shape());
    for (int64_t i = 0; i < y.size(); ++i) {
      // Sums of at most 4^5 products of magnitude 1 in double: far below 1e-10.
      CHECK(y.as_double(i) == Approx(expected.as_double(i)).margin(1e-10));
    }
  }
}

TEST_CASE("an ellipsis broadcasts and comes first in an implicit result", "[ops]") {
  const Tensor a = counting({3, 2, 4}), c = counting({5, 1, 4, 2});
  const Tensor y = OneNode("Einsum", 12).attr("equation", std::string("...ij,...jk")).input(a).input(c).run();
  const Tensor expected = naive_einsum({"nij", "mnjk"}, "mnik", {a, c});
  REQUIRE(y.shape() == Shape{5, 3, 2, 2});
  for (int64_t i = 0; i < y.size(); ++i) CHECK(y.as_double(i) == Approx(expected.as_double(i)));
}

TEST_CASE("einsum explains what does not fit", "[ops]") {
  const auto error = [](const std::string& equation) {
    return OneNode("Einsum", 12)
        .attr("equation", equation)
        .input(counting({2, 3}))
        .input(counting({4, 2}))
        .error();
  };
  CHECK_THAT(error("ij,jk->ik"), Catch::Contains("label 'j' stands for 3 and 4"));
  CHECK_THAT(error("ij->i"), Catch::Contains("1 terms for 2 inputs"));
  CHECK_THAT(error("ij,ki->kz"), Catch::Contains("'z' which no operand has"));
  CHECK_THAT(error("ij,ki->kk"), Catch::Contains("'k' twice"));
  CHECK_THAT(error("ijk,ki->kk"), Catch::Contains("meets a tensor [2,3]"));
}
