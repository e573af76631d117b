#include "cli/explain_request.h"

#include "cli/progress.h"
#include "cli/targets.h"

namespace onnxray::cli {

namespace {

/// Parameters that name a .npy file: the library takes the tensors.
void read_given_tensors(const Options& options, ExplainManyOptions& request) {
  for (const auto& [name, value] : options.parameters) {
    if (name == "noise_file") request.noise = {read_array(value)};
    if ((name == "baseline" || name == "reference_inputs") && value.ends_with(".npy"))
      request.baselines = {read_array(value)};
  }
}

}  // namespace

ExplainManyOptions explain_request(const Options& options, const std::vector<std::string>& labels) {
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
  request.report_layers = options.layers || !options.report.empty();
  read_given_tensors(options, request);
  return request;
}

Explained explain(const Options& options) {
  Explained result{Model::load(options.model), choose_preprocess(options), {}, {}, {}};
  result.loaded = load_inputs(options, result.model, result.preprocess);
  Session session(result.model, options.session);
  result.backend = session.backend_description();
  Progress progress("explain");
  session.on_progress = [&](int64_t done, int64_t total) { progress.update(done, total); };
  result.explanations =
      session.explain_many(result.loaded.tensors, explain_request(options, result.labels()));
  return result;
}

}  // namespace onnxray::cli
