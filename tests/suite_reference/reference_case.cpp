#include "tests/suite_reference/reference_case.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <tuple>

#include "cli/npz.h"
#include "core/difference.h"

namespace onnxray::reference {

namespace {

using Json = nlohmann::json;

std::string folder() { return std::string(ONNXRAY_SOURCE_DIR) + "/tests/suite_reference/data/"; }

Case read_case(const Json& row) {
  Case c;
  c.model = row.at("model");
  c.reference = row.at("reference");
  c.method = row.at("method");
  c.array = row.at("array");
  c.convention = row.value("convention", c.convention);
  c.input = row.value("input", c.model + ":x");
  c.noise = row.value("noise", "");
  c.baseline = row.value("baseline", "");
  c.at = row.value("at", "");
  c.float32 = row.value("float32", 0.0);
  const Json& target = row.at("target");
  if (target.is_string())
    c.mask = target;
  else
    c.target = target.get<std::vector<int64_t>>();
  return c;
}

/// What cases must agree on to be explained together.
auto run_key(const Case& c) {
  return std::tie(c.model, c.convention, c.input, c.mask, c.noise, c.baseline, c.target, c.at);
}

/// A model may come in double too: merging a normalisation rounds to the model's own precision.
Model load_model(const std::string& name, bool in_double) {
  const std::string wide = folder() + name + ".double.onnx";
  return Model::load(in_double && std::filesystem::exists(wide) ? wide : folder() + name + ".onnx");
}

}  // namespace

std::vector<std::string> reference_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder())) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

ReferenceFile read_reference(const std::string& name) {
  ReferenceFile file{name, {}, {}};
  std::ifstream json(folder() + name + ".json");
  const Json parsed = Json::parse(json);
  for (const Json& row : parsed.at("cases")) file.cases.push_back(read_case(row));
  for (auto& [key, value] : cli::read_npz(folder() + name + ".npz"))
    file.arrays.emplace(key, std::move(value));
  return file;
}

std::vector<double> errors(const ReferenceFile& file, const SessionOptions& options) {
  std::map<decltype(run_key(file.cases[0])), std::vector<size_t>> runs;
  for (size_t i = 0; i < file.cases.size(); ++i) runs[run_key(file.cases[i])].push_back(i);
  std::vector<double> result(file.cases.size());
  for (const auto& [key, indices] : runs) {
    const Case& first = file.cases[indices[0]];
    const Model model = load_model(first.model, options.precision == "double");
    Session session(model, options);
    ExplainManyOptions how;
    for (const size_t i : indices) how.methods.push_back(file.cases[i].method);
    how.targets = {first.mask.empty() ? Target::indices(first.target)
                                      : Target::mask(file.arrays.at(first.mask))};
    how.convention = first.convention;
    how.at = first.at;
    if (!first.noise.empty()) how.noise = {file.arrays.at(first.noise)};
    if (!first.baseline.empty()) how.baselines = {file.arrays.at(first.baseline)};
    const Tensor input = file.arrays.at(first.input).to(*model.inputs()[0].dtype);
    const Explanations found = session.explain_many({input}, how);
    for (size_t k = 0; k < indices.size(); ++k)
      result[indices[k]] = relative_difference(found.attributions.at(k).values,
                                               file.arrays.at(file.cases[indices[k]].array), 0);
  }
  return result;
}

}  // namespace onnxray::reference
