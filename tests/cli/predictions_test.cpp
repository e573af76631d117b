#include "cli/predictions.h"

#include <nlohmann/json.hpp>

#include "cli/summary.h"
#include "tests/catch.h"

namespace onnxray::cli {
namespace {

using Labels = std::vector<std::string>;
using Index = std::vector<int64_t>;

/// One output y, whose entries before its head are `logits`.
Explanations made(ScoreKind kind, const Shape& shape, const std::vector<double>& logits,
                  const std::vector<double>& values, bool kept = false) {
  Explanations e;
  e.outputs = {{"y", Tensor::of<double>(shape, values)}};
  e.logits = Tensor::of<double>(shape, kept ? values : logits);
  e.explained.name = "y";
  e.explained.kind = kind;
  e.explained.is_kept = kept;
  if (kind == ScoreKind::softmax) e.explained.class_axes = {1};
  e.sample_axis = 0;
  return e;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("a softmax's classes have the model's own probabilities, in percent, beside their logits") {
  // Values that no softmax of these logits gives: what is shown is the model's.
  const Explanations e = made(ScoreKind::softmax, {1, 3}, {2, 5, 1}, {0.25, 0.7, 0.05});
  const Labels labels{"cat", "dog", "owl"};
  const auto top = Predictions(e, labels).top(0);
  REQUIRE(top.size() == 3);
  CHECK(top[0].label == "dog");
  CHECK(top[0].probability == 0.7);
  CHECK(top[0].score == 5);
  CHECK(top[2].entry == 2);
  const std::string text = summary_text(e, {}, labels);
  CHECK(contains(text, "prediction: softmax class scores"));
  CHECK(contains(text, "70.00 %   logit     5.0000"));
}

TEST_CASE("a kept probability is shown as it came, not as a softmax of itself") {
  const Explanations e = made(ScoreKind::softmax, {1, 2}, {}, {0.9992, 0.0008}, true);
  const auto top = Predictions(e, {}).top(0);
  CHECK(top[0].probability == 0.9992);
  CHECK(Predictions(e, {}).score_word() == "probability");
  const std::string text = summary_text(e, {}, {});
  CHECK(contains(text, "99.92 %   probability     0.9992"));
  CHECK_FALSE(contains(text, "logit"));
}

TEST_CASE("independent sigmoids have each their own probability, and no percentages") {
  const Explanations e = made(ScoreKind::sigmoid, {1, 2}, {9, -12}, {0.99988, 6.1e-6});
  const std::string text = summary_text(e, {}, {});
  CHECK(contains(text, "prediction: independent sigmoids"));
  CHECK(contains(text, "probability     0.9999   logit     9.0000"));
  CHECK(contains(text, "probability 6.1000e-06   logit   -12.0000"));
  CHECK_FALSE(contains(text, "%"));
}

TEST_CASE("other outputs are values, small and large ones in scientific notation") {
  const Explanations e = made(ScoreKind::value, {1, 3}, {1.5e-6, 2, 3e8}, {1.5e-6, 2, 3e8});
  const std::string text = summary_text(e, {}, {});
  CHECK(contains(text, "prediction: values"));
  CHECK(contains(text, "value 1.5000e-06"));
  CHECK(contains(text, "value     2.0000"));
  CHECK(contains(text, "value 3.0000e+08"));
  CHECK_FALSE(contains(text, "%"));
  CHECK(number_text(0) == "0.0000");
  CHECK(percent_text(0.9992) == "99.92 %");
  CHECK(percent_text(1.2e-9) == "1.2e-07 %");
}

TEST_CASE("logarithms of probabilities are read as such") {
  Explanations e = made(ScoreKind::softmax, {1, 2}, {3, 1}, {std::log(0.8), std::log(0.2)});
  e.explained.logarithm = true;
  CHECK(*Predictions(e, {}).top(0)[0].probability == Approx(0.8));
  e.explained.is_kept = true;
  CHECK(Predictions(e, {}).score_word() == "log probability");
}

TEST_CASE("an entry of an output with several axes is named by its index, and by its class's label") {
  // [2,3,2]: two samples of three classes at two places.
  const std::vector<double> p{.1, .2, .3, .7, .6, .1, .5, .9, .25, .05, .25, .05};
  const Explanations e = made(ScoreKind::softmax, {2, 3, 2}, p, p);
  const Labels labels{"road", "sky", "tree"};
  const Predictions predictions(e, labels);
  CHECK(predictions.samples() == 2);
  CHECK(predictions.top(0)[0].index == Index{1, 1});
  CHECK(predictions.top(0)[0].label == "sky [1,1]");
  CHECK(predictions.top(1)[0].index == Index{0, 1});
  CHECK(predictions.top(1)[0].entry == 1);
  const auto json = nlohmann::json::parse(summary_json(e, {}, labels, ""));
  CHECK(json["predictions"][0][0]["entry"] == Index{1, 1});
  CHECK(json["predictions"][0][0]["probability"] == 0.7);
}

TEST_CASE("samples are told apart along their own axis") {
  // [time 2, samples 3, classes 2]
  Explanations e = made(ScoreKind::value, {2, 3, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
                        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  e.sample_axis = 1;
  const Predictions predictions(e, {});
  CHECK(predictions.samples() == 3);
  CHECK(predictions.top(1)[0].score == 9);
  CHECK(predictions.top(1)[0].index == Index{1, 1});
  CHECK(predictions.at(2, 1).score == 5);
  e.sample_axis.reset();
  CHECK(Predictions(e, {}).samples() == 1);
  CHECK(Predictions(e, {}).top(0)[0].index == Index{1, 2, 1});
}

TEST_CASE("where some entries come of a head, all are values and those have their logit beside") {
  Explanations e = made(ScoreKind::sigmoid, {1, 3}, {320, 2, -1}, {320, 0.88, 0.27});
  e.explained.is_whole = false;
  const auto top = Predictions(e, {}).top(0);
  CHECK_FALSE(top[0].probability);
  CHECK_FALSE(top[0].value);
  CHECK(top[1].value == 0.88);
  CHECK(top[1].score == 2);
  const std::string text = summary_text(e, {}, {});
  CHECK(contains(text, "value   320.0000"));
  CHECK(contains(text, "value     0.8800   logit     2.0000"));
}

TEST_CASE("labels that do not fit are said not to") {
  const Explanations e = made(ScoreKind::value, {1, 3}, {3, 2, 1}, {3, 2, 1});
  const Labels two{"cat", "dog"}, three{"cat", "dog", "owl"};
  CHECK(Predictions(e, three).labels_note().empty());
  CHECK(Predictions(e, {}).labels_note().empty());
  CHECK(contains(Predictions(e, two).labels_note(), "2 labels"));
  CHECK(Predictions(e, two).top(0)[2].label == "2");
  CHECK(contains(summary_text(e, {}, two), "note: there are 2 labels"));
  // Of a detector's [5,4], no axis is that of three classes.
  const Explanations boxes =
      made(ScoreKind::value, {1, 5, 4}, std::vector<double>(20, 1), std::vector<double>(20, 1));
  CHECK(Predictions(boxes, three).top(0)[0].label == "[0,0]");
}

TEST_CASE("NaN is shown first, and an output without entries shows none") {
  const Explanations e = made(ScoreKind::value, {1, 3}, {3, NAN, 4}, {3, NAN, 4});
  CHECK(Predictions(e, {}).top(0)[0].entry == 1);
  CHECK(Predictions(e, {}).top(0)[1].entry == 2);
  CHECK(Predictions(made(ScoreKind::value, {1, 0}, {}, {}), {}).top(0).empty());
}

}  // namespace
}  // namespace onnxray::cli
