#include "cli/summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <optional>

#include "cli/assumptions.h"
#include "cli/predictions.h"
#include "cli/share_lost.h"

namespace onnxray::cli {

namespace {

/// "softmax class scores of 'scores'": what the explained output is, and which where there are several.
std::string title_of(const Explanations& explanations, const Predictions& predictions) {
  const bool several = explanations.outputs.size() > 1;
  return several ? fmt::format("{} of '{}'", predictions.title(), explanations.explained.name)
                 : std::string(predictions.title());
}

std::string prediction_line(const Prediction& p, const Explanations& explanations,
                            std::string_view score_word) {
  const ExplainedOutput& explained = explanations.explained;
  std::string line = fmt::format("  {:<20}", p.label);
  if (p.probability && explained.kind == ScoreKind::softmax)
    line += fmt::format(" {:>10}", percent_text(*p.probability));
  if (p.probability && explained.kind == ScoreKind::sigmoid && score_word != "probability")
    line += fmt::format(" probability {:>10}", number_text(*p.probability));
  if (p.value)
    return line + fmt::format(" value {:>10}   logit {:>10}\n", number_text(*p.value), number_text(p.score));
  return line + fmt::format("   {} {:>10}\n", score_word, number_text(p.score));
}

std::string predictions_text(const Explanations& explanations, const Predictions& predictions) {
  std::string text;
  for (int64_t n = 0; n < predictions.samples(); ++n) {
    const std::string of = predictions.samples() > 1 ? fmt::format(" of sample {}", n) : "";
    text += fmt::format("prediction{}: {}\n", of, title_of(explanations, predictions));
    for (const Prediction& p : predictions.top(n))
      text += prediction_line(p, explanations, predictions.score_word());
  }
  return text;
}

std::string target_text(const std::string& given, const ExplainedTarget& target,
                        const Predictions& predictions) {
  if (target.indices.empty()) return fmt::format("{}: weights over the output", given);
  std::vector<std::string> chosen;
  for (size_t n = 0; n < target.indices.size(); ++n)
    chosen.push_back(predictions.at(static_cast<int64_t>(n), target.indices[n]).label);
  return fmt::format("{} ({})", fmt::join(chosen, ", "),
                     given == "argmax" ? "argmax: the largest entry" : given);
}

/// The lines of one method: a sum for each input and sample, and with the last input's what was lost on the
/// way to all of them.
std::string method_lines(std::span<const Attribution> group, const ExplainedTarget& target,
                         std::string_view score_word) {
  std::string text;
  const auto lost = share_lost(group, target);
  for (const Attribution& a : group) {
    for (size_t n = 0; n < a.sums.size() && n < target.scores.size(); ++n) {
      text += fmt::format("  {:<32} {:<12} sum {:>11}   {} {:>10}", a.method, a.input, number_text(a.sums[n]),
                          score_word, number_text(target.scores[n]));
      if (n < lost.size() && lost[n] && &a == &group.back())
        text += fmt::format("   lost {:6.1f} %{}", 100 * *lost[n], group.size() > 1 ? " of all inputs" : "");
      if (n < a.completeness_gap.size())
        text += fmt::format("   completeness gap {:.3g}", a.completeness_gap[n]);
      text += "\n";
    }
    if (!a.embeddings.empty())
      text += fmt::format("    '{}' holds ids: one number each, for the rows that they choose of {}\n",
                          a.input, fmt::join(a.embeddings, ", "));
  }
  return text;
}

}  // namespace

const std::string& given_target(const Options& options, size_t k) {
  static const std::string kArgmax = "argmax";
  return options.targets.empty() ? kArgmax : options.targets[k];
}

std::string summary_text(const Explanations& explanations, const Options& options,
                         const std::vector<std::string>& labels) {
  const Predictions predictions(explanations, labels);
  std::string text = predictions_text(explanations, predictions);
  for (size_t k = 0; k < explanations.targets.size(); ++k) {
    const ExplainedTarget& target = explanations.targets[k];
    text += fmt::format("target {}\n", target_text(given_target(options, k), target, predictions));
    for (const auto& group : by_method(explanations)) {
      if (group[0].target == k) text += method_lines(group, target, predictions.score_word());
    }
  }
  if (const std::string note = predictions.labels_note(); !note.empty())
    text += fmt::format("note: {}\n", note);
  for (const std::string& note : explanations.not_finite) text += fmt::format("note: {}\n", note);
  return text + assumptions_text(explanations.assumptions);
}

namespace {

/// Share of what arrived, in percent.
std::string percent(double part, const LayerRelevance& layer) {
  return part == 0 || layer.relevance == 0 ? "-" : fmt::format("{:.2f} %", 100 * part / layer.relevance);
}

std::string layer_line(const LayerRelevance& layer) {
  std::string line = fmt::format(
      "  {:<20} {:<20} {:12.5f} {:>11} {:>11} {:>9}  {}\n", layer.op, layer.rule, layer.relevance,
      percent(layer.to_bias, layer), percent(layer.to_stabiliser, layer),
      layer.smallest_denominator ? fmt::format("{:.1e}", *layer.smallest_denominator) : "-", layer.name);
  if (layer.not_finite > 0)
    line +=
        fmt::format("  warning: {} entries of the relevance above are NaN or infinite\n", layer.not_finite);
  if (layer.crossings > 0) {
    line += fmt::format("  warning: {} denominators above have another sign than their contributions\n",
                        layer.crossings);
  }
  return line;
}

}  // namespace

std::string layers_text(const Explanations& explanations) {
  std::string text;
  for (const Attribution& a : explanations.attributions) {
    if (a.layers.empty()) continue;
    text += fmt::format("layers under {}, from the output\n", a.method);
    text += fmt::format("  {:<20} {:<20} {:>12} {:>11} {:>11} {:>9}\n", "operator", "rule", "relevance",
                        "to bias", "stabiliser", "smallest");
    for (const LayerRelevance& layer : a.layers) text += layer_line(layer);
  }
  return text;
}

}  // namespace onnxray::cli
