#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/inputs.h"

namespace onnxray::cli {

namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

struct Timing {
  std::string name;
  double first_ms = 0, median_ms = 0, low_ms = 0, high_ms = 0;  ///< low and high are the quartiles
  double device_ms = 0;  ///< of the last call, without copies; 0 on a CPU
};

/// The first call compiles; the rest are timed, for about two seconds unless a number was asked for.
template <class Work>
Timing measure(std::string name, int64_t repeats, Work work) {
  Timing timing{std::move(name)};
  auto start = Clock::now();
  work();
  timing.first_ms = milliseconds_since(start);
  work();  // warm-up
  std::vector<double> times;
  start = Clock::now();
  while (repeats > 0 ? std::ssize(times) < repeats
                     : times.size() < 5 || (milliseconds_since(start) < 2000 && times.size() < 1000)) {
    const auto each = Clock::now();
    work();
    times.push_back(milliseconds_since(each));
  }
  std::ranges::sort(times);
  timing.median_ms = times[times.size() / 2];
  timing.low_ms = times[times.size() / 4];
  timing.high_ms = times[times.size() * 3 / 4];
  return timing;
}

nlohmann::ordered_json to_json(const Timing& t, double forward_ms) {
  nlohmann::ordered_json json{{"method", t.name},         {"first_ms", t.first_ms},
                              {"median_ms", t.median_ms}, {"low_ms", t.low_ms},
                              {"high_ms", t.high_ms},     {"ratio", t.median_ms / forward_ms}};
  if (t.device_ms > 0) json["device_ms"] = t.device_ms;
  return json;
}

/// The costliest kinds of step of the first method (of the forward pass where none was asked for).
void print_profile(Session& session, const Options& options, const std::vector<Tensor>& inputs) {
  const ExplainManyOptions what{options.methods, {Target::argmax()},   options.convention, options.parameters,
                                options.output,  options.keep_softmax, options.at};
  std::map<std::string, std::pair<double, int>> kinds;
  double total = 0;
  for (const auto& [step, time] : session.profile(inputs, what)) {
    kinds[step].first += time;
    ++kinds[step].second;
    total += time;
  }
  std::vector<std::pair<std::string, std::pair<double, int>>> sorted(kinds.begin(), kinds.end());
  std::ranges::sort(sorted, std::ranges::greater{}, [](const auto& k) { return k.second.first; });
  fmt::print("{:>10} {:>6} {:>6}  step, of {:.3f} ms one by one\n", "ms", "share", "times", total);
  for (const auto& [step, cost] : sorted)
    fmt::print("{:10.3f} {:5.1f}% {:6}  {}\n", cost.first, 100 * cost.first / total, cost.second, step);
}

}  // namespace

int bench_command(const Options& options) {
  auto start = Clock::now();
  const Model model = Model::load(options.model);
  const double load_ms = milliseconds_since(start);
  const std::vector<Tensor> inputs = options.inputs.empty()
                                         ? example_inputs(options, model)
                                         : load_inputs(options, model, choose_preprocess(options)).tensors;
  Session session(model, options.session);
  Timing forward = measure("forward", options.repeats, [&] { session.run(inputs); });
  forward.device_ms = session.device_milliseconds();
  std::vector<Timing> timings;
  for (const std::string& method :
       options.methods.empty() ? std::vector<std::string>{"gradient"} : options.methods) {
    const ExplainManyOptions what{{method},           {Target::argmax()}, options.convention,
                                  options.parameters, options.output,     options.keep_softmax,
                                  options.at};
    timings.push_back(measure(method, options.repeats, [&] { session.explain_many(inputs, what); }));
    timings.back().device_ms = session.device_milliseconds();
  }
  if (options.json) {
    nlohmann::ordered_json json{{"model", options.model},
                                {"backend", session.backend_description()},
                                {"load_ms", load_ms},
                                {"forward", to_json(forward, forward.median_ms)}};
    for (const Timing& t : timings) json["methods"].push_back(to_json(t, forward.median_ms));
    fmt::print("{}\n", json.dump(2));
    return 0;
  }
  fmt::print("{}\nload {:.1f} ms\n", session.backend_description(), load_ms);
  fmt::print("{:<32} {:>10} {:>10} {:>10} {:>10} {:>8}\n", "", "first ms", "median ms", "quartile",
             "quartile", "ratio");
  const auto print = [&](const Timing& t) {
    fmt::print("{:<32} {:10.2f} {:10.2f} {:10.2f} {:10.2f} {:8.2f}\n", t.name, t.first_ms, t.median_ms,
               t.low_ms, t.high_ms, t.median_ms / forward.median_ms);
  };
  print(forward);
  for (const Timing& t : timings) print(t);
  if (options.profile) print_profile(session, options, inputs);
  return 0;
}

}  // namespace onnxray::cli
