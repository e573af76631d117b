#include "cli/verify_suite.h"

#include <fmt/ranges.h>

#include <filesystem>

#include "cli/output_file.h"
#include "core/fail.h"
#include "core/json_value.h"

namespace onnxray::cli {

namespace {

namespace fs = std::filesystem;

constexpr double kLargestAxis = 64, kLargestIndex = 9007199254740991;

/// "FILE" or "NAME=FILE" relative to the suite's folder; "NAME=zeros" is no file.
std::string input_in(const fs::path& folder, const std::string& given) {
  std::error_code error;
  const size_t equals = given.find('=');
  if (equals == std::string::npos || fs::exists(folder / given, error)) return (folder / given).string();
  const std::string name = given.substr(0, equals + 1), file = given.substr(equals + 1);
  return file == "zeros" ? given : name + (folder / file).string();
}

/// A text, or a number or list of them as they are written on the command line.
std::string target_text(const JsonValue& json) {
  if (!json.is_list()) return json.text_or_number();
  std::vector<int64_t> tuple;
  for (const JsonValue& index : json.items()) tuple.push_back(index.whole(-kLargestIndex, kLargestIndex));
  return fmt::format("[{}]", fmt::join(tuple, ","));
}

void read_text(const JsonValue& json, std::string_view key, std::string& text) {
  if (const auto found = json.find(key)) text = found->text();
}

void read_options(const JsonValue& json, Options& options) {
  json.allow_keys({"target", "convention", "parameters", "output", "at", "attribute", "preprocess",
                   "keep_softmax", "backend", "precision", "sample_axes"});
  if (const auto target = json.find("target")) options.targets = {target_text(*target)};
  read_text(json, "convention", options.convention);
  read_text(json, "output", options.output);
  read_text(json, "at", options.at);
  read_text(json, "preprocess", options.preprocess);
  read_text(json, "backend", options.session.backend);
  read_text(json, "precision", options.session.precision);
  if (const auto flag = json.find("keep_softmax")) options.keep_softmax = flag->flag();
  if (const auto parameters = json.find("parameters")) {
    for (const auto& [name, value] : parameters->members()) options.parameters[name] = value.text_or_number();
  }
  if (const auto names = json.find("attribute")) {
    for (const JsonValue& name : names->items()) options.attribute.push_back(name.text());
  }
  if (const auto axes = json.find("sample_axes")) {
    for (const auto& [name, axis] : axes->members()) {
      const bool is_none = axis.is_text() && axis.text() == "none";
      options.session.sample_axes[name] =
          is_none ? std::nullopt : std::optional(axis.whole(-kLargestAxis, kLargestAxis));
    }
  }
}

VerifyCase read_case(const JsonValue& row, const fs::path& folder, const SessionOptions& session) {
  row.allow_keys({"model", "input", "method", "options", "reference", "tolerance"});
  const auto path = [&](std::string_view key) { return (folder / row.at(key).text()).string(); };
  VerifyCase test;
  test.options.session = session;
  test.options.model = path("model");
  const JsonValue input = row.at("input");
  for (const JsonValue& file : input.is_list() ? input.items() : std::vector{input})
    test.options.inputs.push_back(input_in(folder, file.text()));
  test.options.methods = {row.at("method").text()};
  test.reference = path("reference");
  if (const auto options = row.find("options")) read_options(*options, test.options);
  if (const auto tolerance = row.find("tolerance")) test.tolerance = tolerance->number({0, kLargestNumber});
  return test;
}

}  // namespace

bool is_suite(const Options& options) { return extension_of(options.model) == ".json"; }

std::vector<VerifyCase> read_suite(const Options& options) {
  const JsonValue suite = JsonValue::read(options.model, ErrorCode::bad_file);
  if (!suite.is_list()) suite.fail_as("a list of rows {model, input, method, options, reference, tolerance}");
  std::vector<VerifyCase> cases;
  for (const JsonValue& row : suite.items())
    cases.push_back(read_case(row, fs::path(options.model).parent_path(), options.session));
  require(!cases.empty(), ErrorCode::bad_file, "'{}' holds no rows: nothing would be verified",
          options.model);
  return cases;
}

}  // namespace onnxray::cli
