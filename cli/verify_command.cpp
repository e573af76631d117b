#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/exit_code.h"
#include "cli/explain_request.h"
#include "cli/inputs.h"
#include "cli/print.h"
#include "cli/verify_suite.h"
#include "core/difference.h"
#include "core/fail.h"
#include "core/json_value.h"

namespace onnxray::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Verdict {
  std::string model, method, reference, problem;
  double error = 0, tolerance = 0;
  bool failed = false;  ///< could not be computed or compared
  bool passed() const { return problem.empty() && error <= tolerance; }
};

Verdict judge(const VerifyCase& test) {
  Verdict verdict{test.options.model, test.options.methods.front(), test.reference, {}, 0, test.tolerance};
  const Tensor reference = read_array(test.reference);
  const Explanations explanations = explain(test.options).explanations;
  require(explanations.attributions.size() == 1, ErrorCode::usage,
          "verify compares one attribution, the request yields {}", explanations.attributions.size());
  const auto& attribution = explanations.attributions[0];
  const Tensor& values = attribution.values;
  require(values.size() > 0 && reference.size() > 0, ErrorCode::usage,
          "there is nothing to compare: the map is {}, the reference {}", to_string(values.shape()),
          to_string(reference.shape()));
  verdict.error = relative_difference(values, reference, attribution.sample_axis);
  if (values.shape() != reference.shape())
    verdict.problem =
        fmt::format("shape {} against {}", to_string(values.shape()), to_string(reference.shape()));
  else if (std::isinf(verdict.error))
    verdict.problem = "NaN or infinite entries differ, or all of the reference is zero";
  return verdict;
}

/// A row that cannot be judged says why, and leaves the others their turn.
Verdict judge_row(const VerifyCase& test, std::optional<ErrorCode>& failed) {
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

void print_table(const std::vector<Verdict>& verdicts) {
  print("{:<9} {:>10} {:>10}  {:<32} {}\n", "", "error", "tolerance", "method", "model");
  for (const Verdict& v : verdicts) {
    print("{:<9} {:10.2e} {:10.0e}  {:<32} {}{}\n",
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
  print("{}\n", json_text(json));
}

}  // namespace

int verify_command(const Options& options) {
  std::vector<VerifyCase> cases;
  std::vector<Verdict> verdicts;
  std::optional<ErrorCode> failed;
  if (is_suite(options)) {
    cases = read_suite(options);
  } else {
    require(!options.reference.empty() && options.methods.size() == 1, ErrorCode::usage,
            "verify needs one -m METHOD and --reference REF.npy, or a suite file");
    verdicts.push_back(judge({options, options.reference, options.tolerance}));
  }
  for (const VerifyCase& test : cases) verdicts.push_back(judge_row(test, failed));
  if (options.json)
    print_json(verdicts);
  else
    print_table(verdicts);
  const auto differs = [](const Verdict& v) { return !v.failed && !v.passed(); };
  if (std::ranges::any_of(verdicts, differs)) return 3;
  return failed ? exit_code(*failed) : 0;
}

}  // namespace onnxray::cli
