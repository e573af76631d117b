#include <fmt/format.h>

#include <cstdio>

#include "cli/inputs.h"
#include "cli/npy.h"
#include "cli/npz.h"
#include "cli/picture.h"
#include "cli/progress.h"
#include "cli/summary.h"
#include "cli/targets.h"
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

void write_picture(const Explanations& explanations, const LoadedInputs& loaded, const std::optional<Preprocess>& preprocess,
                   const Options& options, const Model& model) {
  const PictureOptions look{.layout = loaded.layout, .overlay = options.overlay, .preprocess = preprocess};
  std::vector<Captioned> captioned;
  for (const Attribution& a : explanations.attributions) captioned.push_back({key_of(a, options, model), a.values});
  // An inner value is not drawn beside the input: their sizes differ.
  const Tensor input = options.at.empty() ? loaded.tensors.front() : Tensor();
  write_png(options.picture, draw_picture(input, captioned, look));
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
  for (const std::string& text : options.targets) what.targets.push_back(parse_target(text, labels));
  if (what.targets.empty()) what.targets = {Target::argmax()};

  Session session(model, options.session);
  if (options.dry_run) return dry_run(session, loaded, what);
  Progress progress("explain");
  session.on_progress = [&](int64_t done, int64_t total) { progress.update(done, total); };
  const Explanations explanations = session.explain_many(loaded.tensors, what);

  progress.finish();

  const std::string json = summary_json(explanations, options, labels, session.backend_description());
  fmt::print("{}", options.json ? json + "\n" : summary_text(explanations, options, labels));
  std::fflush(stdout);  // before what goes to stderr
  std::vector<std::string> written;
  if (!options.out.empty()) write_attributions(explanations, options, model), written.push_back(options.out);
  if (!options.picture.empty()) write_picture(explanations, loaded, preprocess, options, model), written.push_back(options.picture);
  if (!options.report.empty()) {
    write_bytes(options.report, {reinterpret_cast<const uint8_t*>(json.data()), json.size()});
    written.push_back(options.report);
  }
  for (const std::string& path : written) fmt::print(stderr, "wrote {}\n", path);
  return 0;
}

}  // namespace onnxray::cli
