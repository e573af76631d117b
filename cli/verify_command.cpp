#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/exit_code.h"
#include "cli/explain_request.h"
#include "cli/inputs.h"
#include "core/fail.h"

namespace onnxray::cli {

namespace {

using Json = nlohmann::ordered_json;

/// One comparison: an explanation, the array that it should equal, and how closely.
struct Case {
  Options options;
  std::string reference;
  double tolerance = 1e-5;
};

struct Verdict {
  std::string model, method, reference, problem;
  double error = 0, tolerance = 0;
  bool failed = false;  ///< could not be computed or compared
  bool passed() const { return problem.empty() && error <= tolerance; }
};

/// max|a - b| / max|b|, the largest over the samples along an axis of a. NaN counts as infinitely wrong.
double attribution_error(const Tensor& a, const Tensor& b, std::optional<int64_t> axis) {
  const Shape& shape = a.shape();
  const auto at = static_cast<size_t>(axis.value_or(0));
  const int64_t samples = axis ? shape[at] : 1;
  const int64_t each = axis ? count_between(shape, at + 1, shape.size()) : a.size();
  const int64_t blocks = samples * each > 0 ? a.size() / (samples * each) : 0;
  double worst = 0;
  for (int64_t n = 0; n < samples; ++n) {
    double difference = 0, largest = 0;
    for (int64_t k = 0; k < blocks * each; ++k) {
      const int64_t i = (k / each * samples + n) * each + k % each;
      const double d = std::fabs(a.as_double(i) - b.as_double(i));
      difference = d <= difference ? difference : d;  // a NaN stays
      largest = std::max(largest, std::fabs(b.as_double(i)));
    }
    const double error = difference == 0 ? 0 : difference / largest;
    worst = error <= worst ? worst : error;
  }
  return std::isnan(worst) ? INFINITY : worst;
}

Verdict judge(const Case& test) {
  Verdict verdict{test.options.model, test.options.methods.front(), test.reference, {}, 0, test.tolerance};
  const Explanations explanations = explain(test.options).explanations;
  const Tensor reference = read_array(test.reference);
  require(explanations.attributions.size() == 1, ErrorCode::usage,
          "verify compares one attribution, the request yields {}", explanations.attributions.size());
  const auto& attribution = explanations.attributions[0];
  const Tensor& values = attribution.values;
  if (values.size() == reference.size())
    verdict.error = attribution_error(values, reference, attribution.sample_axis);
  else
    verdict.problem =
        fmt::format("shape {} against {}", to_string(values.shape()), to_string(reference.shape()));
  return verdict;
}

/// A row that cannot be judged says why, and leaves the others their turn.
Verdict judge_row(const Case& test, std::optional<ErrorCode>& failed) {
  try {
    return judge(test);
  } catch (const Error& error) {
    if (!failed) failed = error.code();
    return {test.options.model,
            test.options.methods.front(),
            test.reference,
            error.what(),
            0,
            test.tolerance,
            true};
  }
}

void check_keys(const Json& object, std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : object.items()) {
    require(std::ranges::find(known, key) != known.end(), ErrorCode::usage,
            "a suite has no key '{}' here; the keys are {}", key, fmt::join(known, ", "));
  }
}

/// A string as it stands, a number as JSON writes it.
std::string text_of(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

template <class T>
void read_option(const Json& row, const char* key, T& value) {
  if (const auto it = row.find(key); it != row.end()) value = it->get<T>();
}

/// {model, input, method, options: {target, convention, parameters, ...}, reference, tolerance}; paths are
/// relative to the suite.
Case read_case(const Json& row, const std::filesystem::path& folder, const SessionOptions& session) {
  const auto path = [&](const std::string& name) { return (folder / name).string(); };
  check_keys(row, {"model", "input", "method", "options", "reference", "tolerance"});
  Case test;
  test.options.session = session;
  test.options.model = path(row.at("model").get<std::string>());
  for (const Json& input : row.at("input").is_array() ? row.at("input") : Json::array({row.at("input")})) {
    test.options.inputs.push_back(path(input.get<std::string>()));
  }
  test.options.methods = {row.at("method").get<std::string>()};
  test.reference = path(row.at("reference").get<std::string>());
  read_option(row, "tolerance", test.tolerance);
  const Json options = row.value("options", Json::object());
  check_keys(options, {"target", "convention", "parameters", "output", "at", "attribute", "preprocess",
                       "keep_softmax", "backend", "precision", "sample_axes"});
  if (options.contains("target")) test.options.targets = {text_of(options["target"])};
  read_option(options, "convention", test.options.convention);
  const Json parameters = options.value("parameters", Json::object());
  for (const auto& [name, value] : parameters.items()) test.options.parameters[name] = text_of(value);
  read_option(options, "output", test.options.output);
  read_option(options, "attribute", test.options.attribute);
  read_option(options, "at", test.options.at);
  read_option(options, "preprocess", test.options.preprocess);
  read_option(options, "keep_softmax", test.options.keep_softmax);
  read_option(options, "backend", test.options.session.backend);
  read_option(options, "precision", test.options.session.precision);
  const Json axes = options.value("sample_axes", Json::object());
  for (const auto& [name, axis] : axes.items())
    test.options.session.sample_axes[name] =
        axis == "none" ? std::nullopt : std::optional(axis.get<int64_t>());
  return test;
}

std::vector<Case> read_suite(const Options& options) {
  std::ifstream file(options.model);
  require(file.good(), ErrorCode::bad_file, "cannot read '{}'", options.model);
  std::vector<Case> cases;
  try {
    const Json suite = Json::parse(file);
    for (const Json& row : suite)
      cases.push_back(read_case(row, std::filesystem::path(options.model).parent_path(), options.session));
  } catch (const Json::exception& error) {
    fail(ErrorCode::bad_file,
         "'{}' is not a list of {{model, input, method, options, reference, tolerance}}: {}", options.model,
         error.what());
  }
  return cases;
}

void print_table(const std::vector<Verdict>& verdicts) {
  fmt::print("{:<9} {:>10} {:>10}  {:<32} {}\n", "", "error", "tolerance", "method", "model");
  for (const Verdict& v : verdicts) {
    fmt::print("{:<9} {:10.2e} {:10.0e}  {:<32} {}{}\n",
               v.passed() ? "agrees"
               : v.failed ? "FAILS"
                          : "DIFFERS",
               v.error, v.tolerance, v.method, v.model, v.problem.empty() ? "" : " (" + v.problem + ")");
  }
}

void print_json(const std::vector<Verdict>& verdicts) {
  Json json = Json::array();
  for (const Verdict& v : verdicts) {
    json.push_back({{"model", v.model},
                    {"method", v.method},
                    {"reference", v.reference},
                    {"error", v.error},
                    {"tolerance", v.tolerance},
                    {"passed", v.passed()},
                    {"problem", v.problem}});
  }
  fmt::print("{}\n", json.dump(2));
}

}  // namespace

int verify_command(const Options& options) {
  std::vector<Case> cases;
  std::vector<Verdict> verdicts;
  std::optional<ErrorCode> failed;
  if (options.model.ends_with(".json")) {
    cases = read_suite(options);
  } else {
    require(!options.reference.empty() && options.methods.size() == 1, ErrorCode::usage,
            "verify needs one -m METHOD and --reference REF.npy, or a suite file");
    verdicts.push_back(judge({options, options.reference, options.tolerance}));
  }
  for (const Case& test : cases) verdicts.push_back(judge_row(test, failed));
  if (options.json)
    print_json(verdicts);
  else
    print_table(verdicts);
  const auto differs = [](const Verdict& v) { return !v.failed && !v.passed(); };
  if (std::ranges::any_of(verdicts, differs)) return 3;
  return failed ? exit_code(*failed) : 0;
}

}  // namespace onnxray::cli
