#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/example_inputs.h"
#include "cli/explain_request.h"
#include "cli/print.h"
#include "cli/resident_memory.h"
#include "core/json_value.h"

namespace onnxray::cli {

namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// What all work is about.
struct Subject {
  const Options& options;
  std::vector<Tensor> inputs;
  ExplainManyOptions request;  ///< but for the methods
};

/// What is timed: the forward pass or one method, in a session of its own.
class Work {
 public:
  /// "forward" or a method.
  Work(std::string name, const Subject& subject) : name_(std::move(name)), inputs_(subject.inputs) {
    if (!is_forward()) {
      request_ = subject.request;
      request_.methods = {name_};
    }
    // A mapping of its own: weights that other work has read count again.
    const Model model = load_model(subject.options);
    reset_peak_memory();
    const int64_t before = resident_bytes();
    session_.emplace(model, subject.options.session);
    const auto start = Clock::now();
    inspection_ = session_->inspect(inputs_, request_);
    compile_ms_ = milliseconds_since(start);
    first_ms_ = run();
    run();  // warm-up
    peak_bytes_ = peak_resident_bytes() - before;
  }

  const std::string& name() const { return name_; }

  double run() {
    const auto start = Clock::now();
    if (is_forward())
      session_->run(inputs_);
    else
      session_->explain_many(inputs_, request_);
    return milliseconds_since(start);
  }

  Json facts() const {
    return {{"method", name_},
            {"compile_ms", compile_ms_},
            {"first_ms", first_ms_},
            {"gflop", inspection_.flops / 1e9},
            {"gigabytes_moved", inspection_.bytes / 1e9},
            {"planned_bytes", inspection_.planned_bytes},
            {"model_bytes", inspection_.model_bytes},
            {"samples_at_once", inspection_.samples_at_once},
            {"peak_bytes", peak_bytes_}};
  }
  double device_ms() const { return session_->device_milliseconds(); }
  double gflop() const { return inspection_.flops / 1e9; }

 private:
  bool is_forward() const { return name_ == "forward"; }

  std::string name_;
  const std::vector<Tensor>& inputs_;
  ExplainManyOptions request_;
  std::optional<Session> session_;
  Inspection inspection_;
  double compile_ms_ = 0, first_ms_ = 0;
  int64_t peak_bytes_ = 0;
};

struct Spread {
  double low = 0, median = 0, high = 0;  ///< low and high are the quartiles
};

Spread spread_of(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t n = values.size();
  return {values[n / 4], values[n / 2], values[n * 3 / 4]};
}

/// Times forward and method in turns, so that a busy neighbour meets both: for about two seconds unless a
/// number was asked for.
Json measure(Work& work, Work& forward, int64_t repeats, double peak_gflops) {
  std::vector<double> times, ratios;
  const auto start = Clock::now();
  while (repeats > 0 ? std::ssize(times) < repeats
                     : times.size() < 5 || (milliseconds_since(start) < 2000 && times.size() < 1000)) {
    const double beside = forward.run();
    times.push_back(&work == &forward ? beside : work.run());
    ratios.push_back(times.back() / beside);
  }
  const Spread time = spread_of(times), ratio = spread_of(ratios);
  const double gflops = work.gflop() / (time.median / 1000);
  Json json = work.facts();
  json.update(Json{{"runs", times.size()},
                   {"median_ms", time.median},
                   {"low_ms", time.low},
                   {"high_ms", time.high},
                   {"ratio", ratio.median},
                   {"ratio_low", ratio.low},
                   {"ratio_high", ratio.high},
                   {"gflops", gflops},
                   {"share_of_peak", gflops / peak_gflops}});
  if (const double device_ms = work.device_ms(); device_ms > 0) json["device_ms"] = device_ms;
  return json;
}

void print_row(const Json& row) {
  const auto number = [&](const char* key) { return row.at(key).get<double>(); };
  print("{:<30} {:9.1f} {:9.2f} {:8.2f} {:8.2f} {:6.2f} {:8.2f} {:8.1f} {:5.0f} % {:9.1f} {:9.1f}\n",
        row.at("method").get<std::string>(), number("compile_ms"), number("median_ms"), number("low_ms"),
        number("high_ms"), number("ratio"), number("gflop"), number("gflops"), 100 * number("share_of_peak"),
        (number("planned_bytes") - number("model_bytes")) / 1e6, number("peak_bytes") / 1e6);
}

void print_table(const Json& report) {
  print("{}\nload {:.1f} ms, matrix products reach {:.1f} GFLOP/s\n", report.at("backend").get<std::string>(),
        report.at("load_ms").get<double>(), report.at("peak_gflops").get<double>());
  print("{:<30} {:>9} {:>9} {:>8} {:>8} {:>6} {:>8} {:>8} {:>7} {:>9} {:>9}\n", "", "compile", "median ms",
        "quartile", "quartile", "ratio", "GFLOP", "GFLOP/s", "of peak", "plan MB", "peak MB");
  print_row(report.at("forward"));
  for (const Json& row : report.at("methods")) print_row(row);
}

/// The kinds of step of the first method (of the forward pass where none was asked for), the costliest first.
Json profile(const Subject& subject, const Model& model, double peak_gflops) {
  ExplainManyOptions request = subject.request;
  request.methods = subject.options.methods;
  struct Kind {
    std::string step;
    int times = 0;
    double ms = 0, flops = 0;
  };
  std::map<std::string, Kind> kinds;
  for (const StepTime& time : Session(model, subject.options.session).profile(subject.inputs, request)) {
    Kind& kind = kinds[time.step];
    kind.step = time.step;
    ++kind.times;
    kind.ms += time.milliseconds;
    kind.flops += time.flops;
  }
  std::vector<Kind> sorted;
  for (const auto& [unused, kind] : kinds) sorted.push_back(kind);
  std::ranges::sort(sorted, std::ranges::greater{}, &Kind::ms);
  Json rows = Json::array();
  for (const auto& [step, times, ms, flops] : sorted) {
    const double gflops = ms > 0 ? flops / 1e6 / ms : 0;
    rows.push_back({{"step", step},
                    {"ms", ms},
                    {"times", times},
                    {"gflop", flops / 1e9},
                    {"gflops", gflops},
                    {"share_of_peak", gflops / peak_gflops}});
  }
  return rows;
}

void print_profile(const Json& rows) {
  double total = 0;
  for (const Json& row : rows) total += row.at("ms").get<double>();
  print("{:>10} {:>6} {:>6} {:>8} {:>7}  step, of {:.3f} ms one by one\n", "ms", "share", "times", "GFLOP/s",
        "of peak", total);
  for (const Json& row : rows) {
    const auto ms = row.at("ms").get<double>();
    print("{:10.3f} {:5.1f}% {:6} {:8.1f} {:5.0f} %  {}\n", ms, 100 * ms / total, row.at("times").get<int>(),
          row.at("gflops").get<double>(), 100 * row.at("share_of_peak").get<double>(),
          row.at("step").get<std::string>());
  }
}

/// The median of as many runs as fit in 50 ms, at least one: what a short run costs where runs follow each
/// other, without the waking of threads and caches that somebody else has used in between.
double turn(Work& work) {
  std::vector<double> times;
  const auto start = Clock::now();
  do {
    times.push_back(work.run());
  } while (milliseconds_since(start) < 50);
  return spread_of(std::move(times)).median;
}

Subject subject_of(const Options& options, const Model& model) {
  const auto preprocess = choose_preprocess(options);
  LoadedInputs loaded = inputs_or_examples(options, model, preprocess);
  return {options, loaded.tensors, explain_request(options, model, preprocess, loaded)};
}

/// For scripts that time several programs in turns: each line of standard input, "forward" or a method, gets
/// a turn and is answered with a line of JSON. The forward pass and the last method stay compiled.
int take_turns(const Subject& subject) {
  std::optional<Work> forward, method;
  for (std::string name; std::getline(std::cin, name);) {
    std::optional<Work>& work = name == "forward" ? forward : method;
    if (!work || work->name() != name) {
      work.reset();
      work.emplace(name, subject);
    }
    const double ms = turn(*work);
    Json answer = work->facts();
    answer["ms"] = ms;
    print("{}\n", json_text(answer, -1));
    flush_printed();
  }
  return 0;
}

}  // namespace

int bench_command(const Options& options) {
  const auto start = Clock::now();
  const Model model = load_model(options);
  const double load_ms = milliseconds_since(start);
  const Subject subject = subject_of(options, model);
  if (options.turns) return take_turns(subject);
  const double peak = measured_peak_gflops(options.session);
  Work forward("forward", subject);
  Json report{{"model", options.model},
              {"backend", Session(model, options.session).backend_description()},
              {"load_ms", load_ms},
              {"peak_gflops", peak},
              {"forward", measure(forward, forward, options.repeats, peak)},
              {"methods", Json::array()}};
  for (const std::string& name :
       options.methods.empty() ? std::vector<std::string>{"gradient"} : options.methods) {
    Work work(name, subject);
    report["methods"].push_back(measure(work, forward, options.repeats, peak));
  }
  if (options.profile) report["profile"] = profile(subject, model, peak);
  if (options.json) {
    print("{}\n", json_text(report));
    return 0;
  }
  print_table(report);
  if (options.profile) print_profile(report.at("profile"));
  return 0;
}

}  // namespace onnxray::cli
