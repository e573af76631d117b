#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/assumptions.h"
#include "cli/predictions.h"
#include "cli/share_lost.h"
#include "cli/summary.h"
#include "core/json_value.h"

namespace onnxray::cli {

namespace {

using Json = nlohmann::ordered_json;

Json output_json(const Explanations& explanations, const Predictions& predictions) {
  const ExplainedOutput& explained = explanations.explained;
  constexpr std::string_view kKinds[] = {"value", "softmax", "sigmoid"};
  return {{"name", explained.name},           {"kind", kKinds[static_cast<size_t>(explained.kind)]},
          {"logarithm", explained.logarithm}, {"class_axes", explained.class_axes},
          {"is_whole", explained.is_whole},   {"score", predictions.score_word()}};
}

Json prediction_json(const Prediction& p, const Predictions& predictions) {
  Json json{{"index", p.entry}};
  if (predictions.has_several_axes()) json["entry"] = p.index;
  json["label"] = p.label;
  if (p.value) json["value"] = *p.value;
  std::string key(p.value ? "logit" : predictions.score_word());
  std::ranges::replace(key, ' ', '_');
  json[key] = p.score;
  if (p.probability) json["probability"] = *p.probability;
  return json;
}

Json target_json(const std::string& given, const ExplainedTarget& target, const Predictions& predictions) {
  Json json{{"target", given}, {"indices", target.indices}, {"scores", target.scores}};
  for (size_t n = 0; predictions.has_several_axes() && n < target.indices.size(); ++n)
    json["entries"].push_back(predictions.at(static_cast<int64_t>(n), target.indices[n]).index);
  return json;
}

Json layer_json(const LayerRelevance& layer) {
  return {{"name", layer.name},
          {"op", layer.op},
          {"rule", layer.rule},
          {"relevance", layer.relevance},
          {"not_finite", layer.not_finite},
          {"sent", layer.sent ? Json(*layer.sent) : Json()},
          {"to_bias", layer.to_bias},
          {"to_stabiliser", layer.to_stabiliser},
          {"smallest_denominator", layer.smallest_denominator ? Json(*layer.smallest_denominator) : Json()},
          {"crossings", layer.crossings}};
}

/// `lost`: by sample, of all inputs together.
Json attribution_json(const Attribution& a, const std::vector<std::optional<double>>& lost) {
  Json row{{"method", a.method},
           {"target", a.target},
           {"input", a.input},
           {"shape", a.values.shape()},
           {"sums", a.sums}};
  for (const auto& share : lost) row["share_lost"].push_back(share ? Json(*share) : Json());
  if (!a.embeddings.empty()) row["embeddings"] = a.embeddings;
  if (!a.completeness_gap.empty()) row["completeness_gap"] = a.completeness_gap;
  for (const LayerRelevance& layer : a.layers) row["layers"].push_back(layer_json(layer));
  return row;
}

/// What the summary prints as notes.
std::vector<std::string> notes_of(const Explanations& explanations, const Predictions& predictions) {
  std::vector<std::string> notes = explanations.notes;
  if (const std::string note = predictions.labels_note(); !note.empty()) notes.push_back(note);
  notes.insert(notes.end(), explanations.not_finite.begin(), explanations.not_finite.end());
  return notes;
}

}  // namespace

std::string summary_json(const Explanations& explanations, const Options& options,
                         const std::vector<std::string>& labels, const std::string& backend) {
  const Predictions predictions(explanations, labels);
  Json json{{"model", options.model}, {"backend", backend}, {"onnxray", version()}};
  if (const auto notes = notes_of(explanations, predictions); !notes.empty()) json["notes"] = notes;
  json["assumptions"] = assumptions_json(explanations.assumptions);
  json["output"] = output_json(explanations, predictions);
  for (int64_t n = 0; n < predictions.samples(); ++n) {
    Json top = Json::array();
    for (const Prediction& p : predictions.top(n)) top.push_back(prediction_json(p, predictions));
    json["predictions"].push_back(std::move(top));
  }
  for (size_t k = 0; k < explanations.targets.size(); ++k)
    json["targets"].push_back(target_json(given_target(options, k), explanations.targets[k], predictions));
  for (const auto& group : by_method(explanations)) {
    const auto lost = share_lost(group, explanations.targets[group[0].target]);
    for (const Attribution& a : group) json["attributions"].push_back(attribution_json(a, lost));
  }
  return json_text(json);
}

}  // namespace onnxray::cli
