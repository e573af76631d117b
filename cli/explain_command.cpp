#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

#include "cli/explain_request.h"
#include "cli/inspection.h"
#include "cli/npy.h"
#include "cli/npz.h"
#include "cli/picture.h"
#include "cli/summary.h"
#include "core/fail.h"

namespace onnxray::cli {

namespace {

/// `method[@target][:input]`: the parts that are needed to tell the maps apart.
std::string key_of(const Attribution& a, const Options& options, const Model& model) {
  std::string key = a.method;
  if (options.targets.size() > 1) key += "@" + options.targets[a.target];
  if (model.inputs().size() > 1) key += ":" + a.input;
  return key;
}

void write_attributions(const Explained& explained, const Options& options) {
  const std::vector<Attribution>& attributions = explained.explanations.attributions;
  if (!options.out.ends_with(".npz")) {
    require(attributions.size() == 1, ErrorCode::usage,
            "{} attributions do not fit into one .npy; give -o FILE.npz", attributions.size());
    return write_npy(options.out, attributions[0].values);
  }
  std::vector<NamedTensor> arrays;
  for (const Attribution& a : attributions) arrays.push_back({key_of(a, options, explained.model), a.values});
  write_npz(options.out, arrays);
}

void write_text(const std::string& path, const std::string& text) {
  write_bytes(path, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

void write_picture(const Explained& explained, const Options& options) {
  const PictureOptions look{
      .layout = explained.loaded.layout, .overlay = options.overlay, .preprocess = explained.preprocess};
  std::vector<Captioned> captioned;
  for (const Attribution& a : explained.explanations.attributions)
    captioned.push_back({key_of(a, options, explained.model), a.values});
  // An inner value is not drawn beside the input: their sizes differ.
  const Tensor input = options.at.empty() ? explained.loaded.tensors.front() : Tensor();
  write_png(options.picture, draw_picture(input, captioned, look));
}

void print_rules(const Inspection& inspection) {
  for (const NodeReport& node : inspection.nodes)
    fmt::print("{:<22} {:<18} {}\n", node.op, node.rule, node.name);
}

void print_cost(const Inspection& inspection) {
  const auto mebibytes = [](int64_t bytes) { return static_cast<double>(bytes) / 1048576; };
  fmt::print(
      "{} nodes, {} at once: {:.1f} MiB of activations, {:.1f} MiB in all\n", inspection.nodes.size(),
      inspection.samples_at_once == 1 ? "one sample" : fmt::format("{} samples", inspection.samples_at_once),
      mebibytes(inspection.arena_bytes), mebibytes(inspection.planned_bytes));
  for (const auto& [primitive, count] : inspection.primitives) fmt::print("  {:<24} {}\n", primitive, count);
}

/// The JSON of each method's inspection: by itself, or as a list.
std::string joined(const std::vector<std::string>& reports) {
  if (reports.size() == 1) return reports[0];
  return fmt::format("[{}]", fmt::join(reports, ",\n"));
}

int dry_run(const Options& options) {
  const Model model = Model::load(options.model);
  const std::optional<Preprocess> preprocess = choose_preprocess(options);
  const LoadedInputs loaded = load_inputs(options, model, preprocess);
  Session session(model, options.session);
  ExplainManyOptions request = explain_request(options, model, preprocess);
  request.report_layers = options.layers;
  std::vector<std::string> reports;
  for (size_t i = 0; i < request.methods.size(); ++i) {
    // An inspection is of the first method and of those that share its program.
    if (i > 0) std::ranges::rotate(request.methods, request.methods.begin() + 1);
    const Inspection inspection = session.inspect(loaded.tensors, request);
    reports.push_back(inspection_json(model, inspection, request.methods[0]));
    if (options.json) continue;
    if (request.methods.size() > 1) fmt::print("under {}\n", request.methods[0]);
    print_rules(inspection);
    print_cost(inspection);
  }
  if (options.json) fmt::print("{}\n", joined(reports));
  if (!options.report.empty()) write_text(options.report, joined(reports));
  return 0;
}

}  // namespace

int explain_command(const Options& options) {
  if (options.dry_run) return dry_run(options);
  const Explained explained = explain(options);
  for (const std::string& note : explained.model.notes()) fmt::print(stderr, "note: {}\n", note);
  for (const std::string& note : explained.explanations.notes) fmt::print(stderr, "note: {}\n", note);

  const std::string json =
      summary_json(explained.explanations, options, explained.labels(), explained.backend);
  fmt::print("{}",
             options.json ? json + "\n" : summary_text(explained.explanations, options, explained.labels()));
  if (options.layers && !options.json) fmt::print("{}", layers_text(explained.explanations));
  std::fflush(stdout);  // before what goes to stderr
  std::vector<std::string> written;
  if (!options.out.empty()) write_attributions(explained, options), written.push_back(options.out);
  if (!options.picture.empty()) write_picture(explained, options), written.push_back(options.picture);
  if (!options.report.empty()) write_text(options.report, json), written.push_back(options.report);
  for (const std::string& path : written) fmt::print(stderr, "wrote {}\n", path);
  return 0;
}

}  // namespace onnxray::cli
