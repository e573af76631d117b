#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "tests/sweep/trial.h"
#include "tests/sweep/watch.h"

// Every node test of ONNX's test data with one thing changed, some 195,000 models: answered by numbers or by
// an Error, in bounded memory and time. Exit 1 where one was not. What is found is printed with the case and
// the variant's number: --only CASE --variant V tries it again, with --save FOLDER it is written out.
//
// Against a sanitized library, with the tool of another build:
//   LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)"
//   LD_LIBRARY_PATH=build/sanitize
//   ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=8:allocator_may_return_null=1
//   build/release/tests/onnxray_sweep --seconds 10

namespace onnxray::sweep {

namespace {

constexpr const char* kUsage =
    "sweep [--every N] [--from K] [--only TEXT] [--variant V --save FOLDER] [--backend NAME] [--precision P] "
    "[--method NAME] [--seconds S] [--megabytes M] [--wants allowed]\n"
    "  every N-th changed model, from the K-th on, of the node tests whose name holds TEXT; wants of memory "
    "and time may be allowed\n";

struct Options {
  size_t every = 1, from = 0;
  std::string only, save;
  std::optional<size_t> variant;
  TrialOptions trial;
  Limits limits;
  bool allows_wants = false;
};

Options read_options(int count, char** words) {
  Options options;
  for (int i = 1; i < count; i += 2) {
    const std::string name = words[i], value = i + 1 < count ? words[i + 1] : "";
    if (value.empty()) throw std::runtime_error(kUsage);
    if (name == "--every")
      options.every = std::stoul(value);
    else if (name == "--from")
      options.from = std::stoul(value);
    else if (name == "--only")
      options.only = value;
    else if (name == "--variant")
      options.variant = std::stoul(value);
    else if (name == "--save")
      options.save = value;
    else if (name == "--backend")
      options.trial.backend = value;
    else if (name == "--precision")
      options.trial.precision = value;
    else if (name == "--method")
      options.trial.method = value;
    else if (name == "--seconds")
      options.limits.seconds = std::stod(value);
    else if (name == "--megabytes")
      options.limits.bytes = std::stoll(value) << 20;
    else if (name == "--wants" && value == "allowed")
      options.allows_wants = true;
    else
      throw std::runtime_error(kUsage);
  }
  return options;
}

std::vector<suite::SuiteCase> node_tests(const std::string& only) {
  std::vector<suite::SuiteCase> tests = suite::list_cases(*suite::suite_folder());
  std::erase_if(tests, [&](const suite::SuiteCase& test) {
    return !test.name.starts_with("node/") || test.name.find(only) == std::string::npos;
  });
  return tests;
}

KnownAttributes known_attributes() {
  KnownAttributes known;
  for (const suite::SuiteCase& test : node_tests("")) {
    const auto c = read_case(test);
    if (!c || c->model.graph().node_size() != 1) continue;
    const onnx::NodeProto& node = c->model.graph().node(0);
    for (const onnx::AttributeProto& attribute : node.attribute())
      known[node.op_type()].emplace(attribute.name(), attribute);
  }
  return known;
}

int save(const Options& options) {
  const auto tests = node_tests(options.only);
  auto c = read_case(tests.at(0));
  const Variants variants = variants_of(*c, known_attributes());
  variants.at(*options.variant).change(*c);
  save_case(*c, options.save);
  fmt::print("{}: {}\n", tests[0].name, variants[*options.variant].what);
  return 0;
}

int sweep(const Options& options) {
  const KnownAttributes known = known_attributes();
  const auto file = std::filesystem::temp_directory_path() / fmt::format("onnxray_sweep_{}.onnx", getpid());
  size_t counted = 0, tried = 0, found = 0, wants = 0;
  for (const suite::SuiteCase& test : node_tests(options.only)) {
    const auto original = read_case(test);
    if (!original) continue;
    const Variants variants = variants_of(*original, known);
    std::vector<size_t> numbers;
    for (size_t v = 0; v < variants.size(); ++v) {
      const bool asked = options.variant ? v == *options.variant : counted++ % options.every == options.from;
      if (asked) numbers.push_back(v);
    }
    tried += numbers.size();
    const auto work = [&](size_t v) {
      ModelCase c = *original;
      variants[v].change(c);
      try_case(c, file, options.trial);
    };
    for (const Finding& finding : watch(numbers, work, options.limits)) {
      ++(finding.is_want ? wants : found);
      if (finding.is_want && options.allows_wants) continue;
      fmt::print("{} --variant {}: {}: {}\n", test.name, finding.which, variants[finding.which].what,
                 finding.what);
      std::fflush(stdout);
    }
  }
  std::filesystem::remove(file);
  fmt::print("{} changed models, {} not answered, {} want more memory or time\n", tried, found, wants);
  return found + (options.allows_wants ? 0 : wants) == 0 ? 0 : 1;
}

}  // namespace

}  // namespace onnxray::sweep

int main(int count, char** words) try {
  const auto options = onnxray::sweep::read_options(count, words);
  if (!onnxray::suite::suite_folder()) {
    fmt::print("ONNX's test data is absent (Debian: apt install libonnx-testdata): nothing to sweep\n");
    return 0;
  }
  return options.save.empty() ? onnxray::sweep::sweep(options) : onnxray::sweep::save(options);
} catch (const std::exception& error) {
  fmt::print(stderr, "{}\n", error.what());
  return 2;
}
