#include <fmt/format.h>

#include "cli/inputs.h"
#include "cli/npy.h"
#include "cli/npz.h"
#include "cli/summary.h"
#include "cli/targets.h"
#include "core/fail.h"

namespace onnxray::cli {

namespace {

Shape declared_output(const Model& model, const std::string& name) {
  for (const ValueInfo& output : model.outputs()) {
    if (!name.empty() && output.name != name) continue;
    Shape shape;
    for (const auto& extent : output.extents) shape.push_back(std::holds_alternative<int64_t>(extent) ? std::get<int64_t>(extent) : -1);
    return shape;
  }
  return {};
}

/// `method[@target][:input]`: the parts that are needed to tell the maps apart.
std::string key_of(const Attribution& a, const Options& options, const Model& model) {
  std::string key = a.method;
  if (options.targets.size() > 1) key += "@" + options.targets[a.target];
  if (model.inputs().size() > 1) key += ":" + a.input;
  return key;
}

void write_attributions(const Explanations& explanations, const Options& options, const Model& model) {
  if (!options.out.ends_with(".npz")) {
    require(explanations.attributions.size() == 1, ErrorCode::usage, "{} attributions do not fit into one .npy; give -o FILE.npz",
            explanations.attributions.size());
    return write_npy(options.out, explanations.attributions[0].values);
  }
  std::vector<NamedTensor> arrays;
  for (const Attribution& a : explanations.attributions) arrays.push_back({key_of(a, options, model), a.values});
  write_npz(options.out, arrays);
}

int dry_run(Session& session, const LoadedInputs& loaded, const ExplainManyOptions& what) {
  const Inspection inspection = session.inspect(loaded.tensors, what);
  fmt::print("{} nodes, {:.1f} MiB of activations\n", inspection.nodes.size(), static_cast<double>(inspection.arena_bytes) / 1048576);
  for (const auto& [primitive, count] : inspection.primitives) fmt::print("  {:<24} {}\n", primitive, count);
  return 0;
}

}  // namespace

int explain_command(const Options& options) {
  const Model model = Model::load(options.model);
  for (const std::string& note : model.notes()) fmt::print(stderr, "note: {}\n", note);
  const std::optional<Preprocess> preprocess = choose_preprocess(options);
  const std::vector<std::string> labels = preprocess ? preprocess->labels : std::vector<std::string>{};
  const LoadedInputs loaded = load_inputs(options, model, preprocess);

  ExplainManyOptions what{options.methods, {}, options.convention, options.parameters, options.output, options.keep_softmax, options.at};
  if (what.methods.empty()) what.methods = {"gradient"};
  for (const std::string& text : options.targets) what.targets.push_back(parse_target(text, labels, declared_output(model, options.output)));
  if (what.targets.empty()) what.targets = {Target::argmax()};

  Session session(model, options.session);
  if (options.dry_run) return dry_run(session, loaded, what);
  const Explanations explanations = session.explain_many(loaded.tensors, what);

  const std::string json = summary_json(explanations, options, labels, session.backend_description());
  fmt::print("{}", options.json ? json + "\n" : summary_text(explanations, options, labels));
  std::vector<std::string> written;
  if (!options.out.empty()) write_attributions(explanations, options, model), written.push_back(options.out);
  if (!options.report.empty()) {
    write_bytes(options.report, {reinterpret_cast<const uint8_t*>(json.data()), json.size()});
    written.push_back(options.report);
  }
  for (const std::string& path : written) fmt::print(stderr, "wrote {}\n", path);
  return 0;
}

}  // namespace onnxray::cli
