#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cli/assumptions.h"
#include "cli/command_files.h"
#include "cli/explain_request.h"
#include "cli/explained_maps.h"
#include "cli/inspection.h"
#include "cli/npy.h"
#include "cli/npz.h"
#include "cli/output_file.h"
#include "cli/print.h"
#include "cli/summary.h"
#include "core/fail.h"

namespace onnxray::cli {

namespace {

void write_attributions(const Explained& explained, const Options& options) {
  const std::vector<Attribution>& attributions = explained.explanations.attributions;
  if (extension_of(options.out) != ".npz") {
    require(attributions.size() == 1, ErrorCode::usage,
            "{} attributions do not fit into one .npy; give -o FILE.npz", attributions.size());
    return write_npy(options.out, attributions[0].values);
  }
  std::vector<NamedTensor> arrays;
  const std::vector<std::string> keys = keys_of_maps(explained, options);
  for (size_t a = 0; a < keys.size(); ++a) arrays.push_back({keys[a], attributions[a].values});
  write_npz(options.out, arrays);
}

void write_picture(const Explained& explained, const Options& options) {
  std::vector<std::string> notes;
  const Image picture = picture_of_maps(explained, options, notes);
  for (const std::string& note : notes) tell("note: {}\n", note);
  write_png(options.picture, picture);
}

void print_rules(const Inspection& inspection) {
  for (const NodeReport& node : inspection.nodes) print("{:<22} {:<18} {}\n", node.op, node.rule, node.name);
}

void print_cost(const Inspection& inspection) {
  const auto mebibytes = [](int64_t bytes) { return static_cast<double>(bytes) / 1048576; };
  print(
      "{} nodes, {} at once: {:.1f} MiB of activations, {:.1f} MiB in all\n", inspection.nodes.size(),
      inspection.samples_at_once == 1 ? "one sample" : fmt::format("{} samples", inspection.samples_at_once),
      mebibytes(inspection.arena_bytes), mebibytes(inspection.planned_bytes));
  for (const auto& [primitive, count] : inspection.primitives) print("  {:<24} {}\n", primitive, count);
}

/// The JSON of each method's inspection: by itself, or as a list.
std::string joined(const std::vector<std::string>& reports) {
  if (reports.size() == 1) return reports[0];
  return fmt::format("[{}]", fmt::join(reports, ",\n"));
}

int dry_run(const Options& options) {
  const Model model = load_model(options);
  const std::optional<Preprocess> preprocess = choose_preprocess(options);
  const LoadedInputs loaded = load_inputs(options, model, preprocess);
  Session session(model, options.session);
  ExplainManyOptions request = explain_request(options, model, preprocess, loaded);
  request.report_layers = options.layers;
  std::vector<std::string> reports;
  for (size_t i = 0; i < request.methods.size(); ++i) {
    // An inspection is of the first method and of those that share its program.
    if (i > 0) std::ranges::rotate(request.methods, request.methods.begin() + 1);
    const Inspection inspection = session.inspect(loaded.tensors, request);
    reports.push_back(inspection_json(model, inspection, request.methods[0]));
    if (options.json) continue;
    if (request.methods.size() > 1) print("under {}\n", request.methods[0]);
    print_rules(inspection);
    print_cost(inspection);
    print("{}", assumptions_text(inspection.assumptions));
  }
  if (options.json) print("{}\n", joined(reports));
  if (!options.report.empty()) write_output(options.report, joined(reports));
  return 0;
}

}  // namespace

int explain_command(const Options& options) {
  check_output_options(options, {".npy", ".npz"});
  const size_t least =
      std::max<size_t>(1, options.methods.size()) * std::max<size_t>(1, options.targets.size());
  require(extension_of(options.out) != ".npy" || least == 1, ErrorCode::usage,
          "{} attributions do not fit into one .npy; give -o FILE.npz", least);
  if (options.dry_run) return dry_run(options);
  const Explained explained = explain(options);
  for (const std::string& note : explained.model.notes()) tell("note: {}\n", note);
  for (const std::string& note : explained.explanations.notes) tell("note: {}\n", note);
  for (const std::string& note : explained.explanations.not_finite) tell("note: {}\n", note);

  std::string json;
  if (options.json || !options.report.empty())
    json = summary_json(explained.explanations, options, explained.labels, explained.backend);
  std::vector<std::string> written;  // first: a terminal that is gone does not take the files along
  if (!options.out.empty()) write_attributions(explained, options), written.push_back(options.out);
  if (!options.picture.empty()) write_picture(explained, options), written.push_back(options.picture);
  if (!options.report.empty()) write_output(options.report, json), written.push_back(options.report);

  print_text(options.json ? json + "\n" : summary_text(explained.explanations, options, explained.labels));
  if (options.layers && !options.json) print_text(layers_text(explained.explanations));
  flush_printed();  // before what goes to stderr
  for (const std::string& path : written) tell("wrote {}\n", path);
  return 0;
}

}  // namespace onnxray::cli
