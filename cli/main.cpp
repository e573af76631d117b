#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/output_file.h"
#include "cli/print.h"
#include "cli/sample_axes.h"
#include "cli/threading.h"
#include "cli/verify_suite.h"
#include "core/number_range.h"

namespace {

using onnxray::ErrorCode;
using onnxray::kLargestNumber;
using onnxray::NumberRange;
using onnxray::whole_numbers;
using onnxray::cli::exit_code;
using onnxray::cli::Options;

std::map<std::string, std::string> parse_parameters(const std::vector<std::string>& pairs) {
  std::map<std::string, std::string> parameters;
  for (const std::string& pair : pairs) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos)
      throw onnxray::Error(ErrorCode::usage, fmt::format("--param '{}': expected KEY=VALUE", pair));
    const auto [it, is_new] = parameters.try_emplace(pair.substr(0, equals), pair.substr(equals + 1));
    if (!is_new) throw onnxray::Error(ErrorCode::usage, fmt::format("--param {} is given twice", it->first));
  }
  return parameters;
}

/// The seed page's names of --target, given as parameters. Two that differ are an error.
void take_target_parameters(Options& o) {
  for (const char* name : {"target", "target_class", "neuron_selection"}) {
    const auto it = o.parameters.find(name);
    if (it == o.parameters.end()) continue;
    const std::string value = it->second == "max_activation" ? "argmax" : it->second;
    if (!o.targets.empty() && o.targets != std::vector{value}) {
      throw onnxray::Error(ErrorCode::usage,
                           fmt::format("--param {}={} and target {} mean the same parameter", name,
                                       it->second, o.targets.front()));
    }
    o.targets = {value};
    o.parameters.erase(it);
  }
}

/// The options that are short for a parameter: --composite and --seed.
void take_short_parameters(Options& o) {
  const auto take = [&](const char* name, const std::string& value) {
    if (value.empty()) return;
    const auto [it, is_new] = o.parameters.try_emplace(name, value);
    if (!is_new && it->second != value)
      throw onnxray::Error(ErrorCode::usage,
                           fmt::format("--{} {} and --param {}={} disagree", name, value, name, it->second));
  };
  take("composite", o.composite);
  take("seed", o.seed);
  if (!o.composite.empty() && o.methods.empty()) o.methods = {"lrp"};
}

/// SignXAI wants a model without its softmax; here the pass starts at the logit by itself.
void take_no_softmax(Options& o) {
  const auto it = o.parameters.find("model_no_softmax");
  if (it == o.parameters.end()) return;
  onnxray::cli::tell(
      "onnxray: model_no_softmax is automatic: a final softmax is left out unless --keep-softmax\n");
  o.parameters.erase(it);
}

constexpr double kMostBytes = 1e18, kMostSamples = 1LL << 31, kMostRepeats = 1e6;

/// What CLI11 asks whether a number is fit for an option.
CLI::Validator in(const NumberRange& range) {
  const auto complaint = [range](const std::string& text) {
    return range.holds(std::string_view(text)) ? std::string() : "expected " + range.text();
  };
  return {complaint, ""};
}

/// A file's name; an empty one would count as not given.
CLI::Validator file_name() {
  return {[](const std::string& text) { return std::string(text.empty() ? "a file's name is missing" : ""); },
          ""};
}

void add_session_options(CLI::App& command, Options& o) {
  command.add_option("--backend", o.session.backend, "auto, onednn, reference or cudnn")
      ->capture_default_str();
  command.add_option("--precision", o.session.precision, "fp32 or double")->capture_default_str();
  command.add_option("--threads", o.session.threads, "at most 1024; 0: all cores")
      ->capture_default_str()
      ->check(in(whole_numbers(0, 1024)));
  command.add_option("--max-memory", o.session.max_memory, "bytes of a plan, as 500MB or 2GB; 0: no bound")
      ->transform(CLI::AsSizeValue(false))
      ->check(in(whole_numbers(0, kMostBytes)));
  command
      .add_option("--max-growth", o.load.max_growth,
                  "bytes that the model may grow by before it runs; 0: by its file's size")
      ->transform(CLI::AsSizeValue(false))
      ->check(in(whole_numbers(0, kMostBytes)));
  command
      .add_option("--samples-at-once", o.session.samples_at_once,
                  "samples of a batch that run at once; 0: as the cache likes it")
      ->capture_default_str()
      ->check(in(whole_numbers(0, kMostSamples)));
}

void add_model(CLI::App& command, Options& o, bool needs_input, const char* what = "an ONNX file") {
  command.add_option("MODEL", o.model, what)->required();
  auto* input = command.add_option("-i,--input", o.inputs,
                                   "FILE, NAME=FILE (.npy .npz .csv .tsv .png .jpg) or NAME=zeros");
  if (needs_input) input->required();
  command.add_option("--preprocess", o.preprocess,
                     "torchvision, keras-caffe, keras-tf, none, or a JSON file");
  command.add_option("--columns", o.columns, "of a .csv or .tsv: names, numbers from 0, ranges");
  command.add_option("--output", o.output, "which output of the model, or inner value");
}

void add_explain_options(CLI::App& command, Options& o) {
  command.add_option("-m,--method", o.methods, "what to compute; see `onnxray methods`");
  // With extra arguments allowed, CLI11 would read [i,j] as two targets.
  command
      .add_option("--target", o.targets,
                  "argmax, argmax[4:,:], argmax:axis=0, 3, 3,7, name:LABEL, [i,j], [2,:,10:20], @mask.npy; "
                  "see docs/targets.md")
      ->allow_extra_args(false);
  command.add_option("--convention", o.convention, "signxai (default), zennit or innvestigate");
  command
      .add_option_function<std::vector<std::string>>(
          "--param", [&o](const std::vector<std::string>& pairs) { o.parameters = parse_parameters(pairs); },
          "KEY=VALUE: a method's parameter or a switch")
      ->allow_extra_args(false);
  command.add_option("--composite", o.composite, "of -m lrp: a built-in composite or FILE.json");
  command.add_option("--seed", o.seed, "of the noise; --param seed=N");
  command
      .add_option_function<std::vector<std::string>>(
          "--sample-axis",
          [&o](const std::vector<std::string>& all) {
            o.session.sample_axes = onnxray::cli::parse_sample_axes(all);
          },
          "NAME=K: the axis of an input or output that its samples lie along; NAME=none: it is of one")
      ->allow_extra_args(false);
  command.add_option("--at", o.at, "attribute to an inner value or node");
  command.add_option("--attribute", o.attribute, "NAME...: attribute to these inputs alone");
  command.add_option("--labels", o.labels, "names of classes: one a line, or JSON");
  command.add_flag("--keep-softmax", o.keep_softmax,
                   "explain the probability, not the logit before a final softmax or sigmoid");
}

/// For commands that make up inputs.
void add_open_extents(CLI::App& command, Options& o) {
  command.add_option("--batch", o.batch, "the batch where the model leaves it open")
      ->check(in(whole_numbers(1, kMostSamples)));
  command
      .add_option("--shape", o.shapes,
                  "NAME=1x8000: the shape of input NAME; NAME=8000: what the model calls so; where the model "
                  "leaves it open")
      ->allow_extra_args(false);
}

/// Each row of a suite has its own; the session is that of all.
void refuse_beside_suite(const CLI::App& verify) {
  constexpr std::string_view kOfAll[] = {"MODEL",     "--json",       "--backend",    "--precision",
                                         "--threads", "--max-memory", "--max-growth", "--samples-at-once"};
  for (const CLI::Option* option : verify.get_options()) {
    if (option->count() == 0 || std::ranges::find(kOfAll, option->get_name()) != std::end(kOfAll)) continue;
    throw onnxray::Error(
        ErrorCode::usage,
        fmt::format("verify SUITE.json takes no {}: the rows of a suite have their own", option->get_name()));
  }
}

std::string version_text() {
  std::string text = fmt::format("onnxray {}\n", onnxray::version());
  for (const std::string& line : onnxray::backends()) text += line + "\n";
  text.pop_back();
  return text;
}

int dispatch(int argc, char** argv) {
  CLI::App app{"onnxray explains the predictions of any ONNX model."};
  app.require_subcommand(1);
  // Asking a backend for its version loads it: only on demand.
  app.add_flag_callback(
      "--version", [] { throw CLI::CallForVersion(version_text(), 0); }, "versions, backends, CPU features");
  Options o;

  auto& run = *app.add_subcommand("run", "compute the model's outputs");
  add_model(run, o, false);  // a model may have no inputs
  add_session_options(run, o);
  run.add_option("-o,--out", o.out, "OUT.npy (the first output) or OUT.npz (all)")->check(file_name());

  auto& explain = *app.add_subcommand("explain", "attribute a prediction to its input");
  add_model(explain, o, true);
  add_explain_options(explain, o);
  add_session_options(explain, o);
  explain.add_option("-o,--out", o.out, "OUT.npy or OUT.npz")->check(file_name());
  explain.add_option("--picture", o.picture, "OUT.png")->check(file_name());
  explain.add_flag("--overlay", o.overlay, "draw the heat-map on the input instead of beside it");
  explain.add_option("--report", o.report, "OUT.json")->check(file_name());
  explain.add_flag("--layers", o.layers, "print what each layer received under LRP, and its rule");
  explain.add_flag("--json", o.json, "print the summary as JSON");
  explain.add_flag("--dry-run", o.dry_run, "show what would run");

  auto& verify = *app.add_subcommand(
      "verify", "compare an attribution with a reference, or a suite of them; exit 3 where one differs");
  add_model(verify, o, false, "an ONNX file, or SUITE.json");
  add_explain_options(verify, o);
  add_session_options(verify, o);
  verify.add_option("--reference", o.reference, "REF.npy")->check(file_name());
  verify.add_option("--tol", o.tolerance, "max|a-b| / max|b|, per sample")
      ->capture_default_str()
      ->check(in({0, kLargestNumber}));
  verify.add_flag("--json", o.json);

  auto& exported = *app.add_subcommand("export",
                                       "write the model and its explanations as one plain ONNX model, for "
                                       "inputs of fixed shapes (those of -i, or "
                                       "the declared ones with --batch)");
  add_model(exported, o, false);
  add_explain_options(exported, o);
  add_open_extents(exported, o);
  exported.add_option("-o,--out", o.out, "EXPLAINED.onnx")->required()->check(file_name());

  auto& inspect =
      *app.add_subcommand("inspect", "show the graph, what each node gets under a method, the program");
  add_model(inspect, o, false);
  add_explain_options(inspect, o);
  add_session_options(inspect, o);
  add_open_extents(inspect, o);
  auto* program =
      inspect.add_option("--program", o.program, "print the program, of METHOD where given")->expected(0, 1);
  inspect.add_flag("--json", o.json);

  auto& bench = *app.add_subcommand("bench", "time the forward pass and methods");
  add_model(bench, o, false);
  add_explain_options(bench, o);
  add_session_options(bench, o);
  add_open_extents(bench, o);
  bench.add_option("--repeats", o.repeats, "timed runs; 0: two seconds' worth")
      ->check(in(whole_numbers(0, kMostRepeats)));
  bench.add_flag("--profile", o.profile, "also the time of every kind of step of the first method");
  bench.add_flag("--turns", o.turns, "time what each line of standard input names, for scripts");
  bench.add_flag("--json", o.json);

  auto& methods = *app.add_subcommand("methods", "list the methods");
  methods.add_flag("--json", o.json);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out, complaints;
    const bool is_answer = app.exit(error, out, complaints) == 0;
    onnxray::cli::print_text(out.str());
    onnxray::cli::tell_text(complaints.str());
    return is_answer ? 0 : 2;
  }
  if (verify.parsed() && onnxray::cli::is_suite(o)) refuse_beside_suite(verify);
  take_target_parameters(o);
  take_short_parameters(o);
  take_no_softmax(o);
  o.show_program = program->count() > 0;
  if (run.parsed()) return onnxray::cli::run_command(o);
  if (explain.parsed()) return onnxray::cli::explain_command(o);
  if (verify.parsed()) return onnxray::cli::verify_command(o);
  if (exported.parsed()) return onnxray::cli::export_command(o);
  if (inspect.parsed()) return onnxray::cli::inspect_command(o);
  if (bench.parsed()) return onnxray::cli::bench_command(o);
  return onnxray::cli::methods_command(o);
}

}  // namespace

int main(int argc, char** argv) {
  using onnxray::cli::tell;
  onnxray::cli::settle_streams();
  onnxray::cli::settle_threads(argc, argv);
  onnxray::cli::leave_nothing_on_signals();
  try {
    const int code = dispatch(argc, argv);
    onnxray::cli::flush_printed();
    return code;
  } catch (const onnxray::Error& error) {
    tell("onnxray: {}\n", error.what());
    return exit_code(error.code());
  } catch (const std::bad_alloc&) {
    tell("onnxray: out of memory\n");
    return 1;
  } catch (const std::exception& error) {
    tell("onnxray: internal error: {}\n", error.what());
    return 1;
  }
}
