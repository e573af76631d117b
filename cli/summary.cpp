#include "cli/summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cli/assumptions.h"
#include "cli/share_lost.h"

namespace onnxray::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Entry {
  int64_t index = 0;
  std::string label;
  double logit = 0, probability = 0;
};

std::string label_of(int64_t index, const std::vector<std::string>& labels) {
  return index < std::ssize(labels) ? labels[static_cast<size_t>(index)] : std::to_string(index);
}

int64_t samples_of(const Tensor& logits) { return logits.shape().empty() ? 1 : logits.shape()[0]; }

/// The five largest entries of one sample, with their softmax.
std::vector<Entry> top_entries(const Tensor& logits, int64_t sample, const std::vector<std::string>& labels) {
  const int64_t count = logits.size() / std::max<int64_t>(1, samples_of(logits));
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(logits.as_double(sample * count + i));
  const double largest = *std::ranges::max_element(values);
  const double total = std::accumulate(values.begin(), values.end(), 0.0,
                                       [&](double t, double v) { return t + std::exp(v - largest); });
  std::vector<int64_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  const auto shown = std::min<int64_t>(5, count);
  std::partial_sort(order.begin(), order.begin() + shown, order.end(), [&](int64_t a, int64_t b) {
    const double va = values[static_cast<size_t>(a)], vb = values[static_cast<size_t>(b)];
    return va != vb ? va > vb : a < b;
  });
  std::vector<Entry> entries;
  for (int64_t i = 0; i < shown; ++i) {
    const int64_t at = order[static_cast<size_t>(i)];
    const double logit = values[static_cast<size_t>(at)];
    entries.push_back({at, label_of(at, labels), logit, std::exp(logit - largest) / total});
  }
  return entries;
}

std::string target_text(const std::string& given, const ExplainedTarget& target,
                        const std::vector<std::string>& labels) {
  if (target.indices.empty()) return fmt::format("{}: weights over the output", given);
  std::vector<std::string> chosen;
  for (const int64_t index : target.indices) chosen.push_back(label_of(index, labels));
  return fmt::format("{} ({})", fmt::join(chosen, ", "),
                     given == "argmax" ? "argmax: the largest entry" : given);
}

const std::string& given_target(const Options& options, size_t k) {
  static const std::string kArgmax = "argmax";
  return options.targets.empty() ? kArgmax : options.targets[k];
}

/// The lines of one method: a sum for each input and sample, and with the last input's what was lost on the
/// way to all of them.
std::string method_text(std::span<const Attribution> group, const ExplainedTarget& target) {
  std::string text;
  const std::vector<double> lost = share_lost(group, target);
  for (const Attribution& a : group) {
    for (size_t n = 0; n < a.sums.size() && n < target.scores.size(); ++n) {
      text += fmt::format("  {:<32} {:<12} sum {:11.5f}   logit {:9.4f}", a.method, a.input, a.sums[n],
                          target.scores[n]);
      if (!lost.empty() && &a == &group.back())
        text += fmt::format("   lost {:6.1f} %{}", 100 * lost[n], group.size() > 1 ? " of all inputs" : "");
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

std::string summary_text(const Explanations& explanations, const Options& options,
                         const std::vector<std::string>& labels) {
  std::string text;
  for (int64_t n = 0; n < samples_of(explanations.logits); ++n) {
    text +=
        samples_of(explanations.logits) > 1 ? fmt::format("prediction of sample {}\n", n) : "prediction\n";
    for (const Entry& entry : top_entries(explanations.logits, n, labels)) {
      text += fmt::format("  {:<20} {:6.2f} %   logit {:9.4f}\n", entry.label, 100 * entry.probability,
                          entry.logit);
    }
  }
  for (size_t k = 0; k < explanations.targets.size(); ++k) {
    const ExplainedTarget& target = explanations.targets[k];
    text += fmt::format("target {}\n", target_text(given_target(options, k), target, labels));
    for (const auto& group : by_method(explanations)) {
      if (group[0].target == k) text += method_text(group, target);
    }
  }
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

namespace {

/// `lost`: of all inputs together.
Json attribution_json(const Attribution& a, const std::vector<double>& lost) {
  Json row{{"method", a.method},
           {"target", a.target},
           {"input", a.input},
           {"shape", a.values.shape()},
           {"sums", a.sums}};
  if (!lost.empty()) row["share_lost"] = lost;
  if (!a.embeddings.empty()) row["embeddings"] = a.embeddings;
  if (!a.completeness_gap.empty()) row["completeness_gap"] = a.completeness_gap;
  for (const LayerRelevance& layer : a.layers) {
    row["layers"].push_back(
        {{"name", layer.name},
         {"op", layer.op},
         {"rule", layer.rule},
         {"relevance", layer.relevance},
         {"not_finite", layer.not_finite},
         {"sent", layer.sent ? Json(*layer.sent) : Json()},
         {"to_bias", layer.to_bias},
         {"to_stabiliser", layer.to_stabiliser},
         {"smallest_denominator", layer.smallest_denominator ? Json(*layer.smallest_denominator) : Json()},
         {"crossings", layer.crossings}});
  }
  return row;
}

}  // namespace

std::string summary_json(const Explanations& explanations, const Options& options,
                         const std::vector<std::string>& labels, const std::string& backend) {
  nlohmann::ordered_json json;
  json["model"] = options.model;
  json["backend"] = backend;
  json["onnxray"] = version();
  if (!explanations.notes.empty()) json["notes"] = explanations.notes;
  json["assumptions"] = assumptions_json(explanations.assumptions);
  for (int64_t n = 0; n < samples_of(explanations.logits); ++n) {
    nlohmann::ordered_json top;
    for (const Entry& e : top_entries(explanations.logits, n, labels)) {
      top.push_back(
          {{"index", e.index}, {"label", e.label}, {"logit", e.logit}, {"probability", e.probability}});
    }
    json["predictions"].push_back(std::move(top));
  }
  for (size_t k = 0; k < explanations.targets.size(); ++k) {
    const ExplainedTarget& target = explanations.targets[k];
    json["targets"].push_back(
        {{"target", given_target(options, k)}, {"indices", target.indices}, {"scores", target.scores}});
  }
  for (const auto& group : by_method(explanations)) {
    const std::vector<double> lost = share_lost(group, explanations.targets[group[0].target]);
    for (const Attribution& a : group) json["attributions"].push_back(attribution_json(a, lost));
  }
  return json.dump(2);
}

}  // namespace onnxray::cli
