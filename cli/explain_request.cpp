#include "cli/explain_request.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "cli/labels.h"
#include "cli/progress.h"
#include "cli/targets.h"

namespace onnxray::cli {

namespace {

/// The numbers of an array as the text of a parameter.
std::string numbers_of(const std::string& path) {
  return fmt::format("{}", fmt::join(read_array(path).to_doubles(), ";"));
}

/// Parameters that name a .npy file: the library takes the tensors, or for bounds the numbers.
void read_given_tensors(const Options& options, ExplainManyOptions& request) {
  for (const auto& [name, value] : options.parameters) {
    if ((name == "low" || name == "high") && value.ends_with(".npy"))
      request.parameters[name] = numbers_of(value.starts_with("@") ? value.substr(1) : value);
    if (name == "noise_file") request.noise = {read_array(value)};
    if ((name == "baseline" || name == "reference_inputs") && value.ends_with(".npy"))
      request.baselines = {read_array(value)};
  }
}

/// Bounds the model's first input by what its declared preprocessing of images yields.
void bound_input(ExplainManyOptions& request, const Model& model, const Preprocess& preprocess) {
  const std::vector<ValueInfo> inputs = model.inputs();
  if (inputs.empty() || inputs[0].extents.size() != 4) return;
  const bool last = preprocess.layout == "NHWC";
  const auto* channels = std::get_if<int64_t>(&inputs[0].extents[last ? 3 : 1]);
  if (!channels || *channels < 1 || *channels > 4) return;
  const ValueRange range = value_range(preprocess, *channels);
  request.input_low = range.low;
  request.input_high = range.high;
}

}  // namespace

ExplainManyOptions explain_request(const Options& options, const Model& model,
                                   const std::optional<Preprocess>& preprocess, const LoadedInputs& loaded) {
  const std::vector<std::string> labels = choose_labels(options, preprocess);
  ExplainManyOptions request;
  request.methods = options.methods;
  if (request.methods.empty()) request.methods = {"gradient"};
  if (!options.targets.empty()) request.targets.clear();
  for (const std::string& text : options.targets) request.targets.push_back(parse_target(text, labels));
  request.convention = options.convention;
  request.parameters = options.parameters;
  request.output = options.output;
  request.keep_softmax = options.keep_softmax;
  request.at = options.at;
  request.attribute = options.attribute;
  std::ranges::copy_if(loaded.left_out, std::back_inserter(request.not_attributed), [&](const auto& name) {
    return std::ranges::find(options.attribute, name) == options.attribute.end();
  });
  request.report_layers = options.layers;
  read_given_tensors(options, request);
  if (preprocess) bound_input(request, model, *preprocess);
  return request;
}

Explained explain(const Options& options) {
  Explained result{load_model(options), choose_preprocess(options), {}, {}, {}, {}};
  result.labels = choose_labels(options, result.preprocess);
  result.loaded = load_inputs(options, result.model, result.preprocess);
  Session session(result.model, options.session);
  result.backend = session.backend_description();
  Progress progress("explain");
  session.on_progress = [&](int64_t done, int64_t total) { progress.update(done, total); };
  const ExplainManyOptions request = explain_request(options, result.model, result.preprocess, result.loaded);
  result.explanations = session.explain_many(result.loaded.tensors, request);
  auto& notes = result.explanations.notes;
  notes.insert(notes.begin(), result.loaded.notes.begin(), result.loaded.notes.end());
  for (std::string& note : notes_on(result.loaded, result.model))
    result.explanations.notes.push_back(std::move(note));
  return result;
}

}  // namespace onnxray::cli
