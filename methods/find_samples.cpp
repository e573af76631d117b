#include "methods/find_samples.h"

#include <algorithm>

#include "core/fail.h"

namespace onnxray {

namespace {

constexpr std::string_view kOption = "sample_axes";

class SampleSearch {
 public:
  explicit SampleSearch(const SampleQuestion& question);

  Samples run(std::vector<Assumption>& assumptions);

 private:
  const Shape& shape_of(ValueId id) const { return *q_.graph[id].shape; }
  const std::string& name_of(ValueId id) const { return q_.graph[id].name; }
  Var var_of(ValueId id) const { return q_.forward.vars[static_cast<size_t>(id)]; }

  void take_given(const GivenSamples& given);
  bool is_one_sample() const;
  std::optional<Samples> single_sample();
  std::optional<Samples> borne_out(const Reading& reading);
  std::optional<Samples> declared(const Reading& reading) const;
  Samples leading(int64_t count) const;
  void check_given() const;
  std::string why_none() const;
  void note(const Samples& found, const std::string& why, bool is_certain,
            std::vector<Assumption>& assumptions) const;

  const SampleQuestion& q_;
  GivenSamples given_;
  std::vector<BatchedInput> inputs_;
  std::string meeting_;  // where the samples of the likeliest reading meet
};

SampleSearch::SampleSearch(const SampleQuestion& question) : q_(question) {
  for (const InputInfo& info : q_.graph.inputs) {
    const Var v = var_of(info.value);
    if (!v || q_.program.is_constant(v)) continue;
    const Variable& x = q_.program[v];
    BatchedInput input{info.value, v, x.shape, {}, is_floating(x.dtype)};
    for (size_t i = 0; i < input.shape.size(); ++i) {
      const auto* symbol = i < info.extents.size() ? std::get_if<std::string>(&info.extents[i]) : nullptr;
      input.symbols.push_back(symbol ? *symbol : "");
    }
    inputs_.push_back(std::move(input));
  }
  take_given(q_.exceeding);
  take_given(q_.given);
}

void SampleSearch::take_given(const GivenSamples& given) {
  for (auto [id, axis] : given) {
    if (id != q_.output && std::ranges::find(inputs_, id, &BatchedInput::id) == inputs_.end()) continue;
    const auto rank = std::ssize(shape_of(id));
    require(!axis || (*axis >= -rank && *axis < rank), ErrorCode::usage, "{}: '{}' {} has no axis {}",
            kOption, name_of(id), to_string(shape_of(id)), axis.value_or(0));
    if (axis && *axis < 0) *axis += rank;
    given_[id] = axis;
  }
}

/// By extents: along the axes that are given; else where the model calls one its batch; else along the first
/// of every input.
bool SampleSearch::is_one_sample() const {
  bool any_given = false, given_are_one = true, any_named = false, named_are_one = true, first_are_one = true;
  for (const auto& [id, axis] : given_) {
    any_given |= axis.has_value();
    given_are_one &= !axis || shape_of(id)[static_cast<size_t>(*axis)] == 1;
  }
  if (any_given) return given_are_one;
  for (const BatchedInput& input : inputs_) {
    first_are_one &= input.shape.empty() || input.shape[0] == 1;
    const auto named = std::ranges::find_if(input.symbols, means_batch);
    if (named == input.symbols.end()) continue;
    any_named = true;
    named_are_one &= input.shape[static_cast<size_t>(named - input.symbols.begin())] == 1;
  }
  return any_named ? named_are_one : first_are_one;
}

/// Where the samples are if the program keeps those of a reading apart.
std::optional<Samples> SampleSearch::borne_out(const Reading& reading) {
  std::vector<std::pair<Var, SampleAxis>> batched;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (reading.axes[i]) batched.emplace_back(inputs_[i].var, SampleAxis{*reading.axes[i]});
  }
  const SampleAxes axes(q_.program, batched, reading.samples, SampleAxes::Ranges::constant);
  if (meeting_.empty() && reading.samples > 1) meeting_ = axes.meeting(var_of(q_.result));
  Samples samples{reading.samples, {}};
  for (const Var v : q_.forward.vars) samples.axes.push_back(v ? axes.of(v) : std::nullopt);
  if (!samples.plain_axis(q_.result)) return {};
  const auto given = given_.find(q_.output);
  if (given != given_.end() && samples.plain_axis(q_.output) != given->second) return {};
  return samples;
}

/// Where a single sample is, as far as it can be followed.
std::optional<Samples> SampleSearch::single_sample() {
  const auto reading = single_sample_reading(inputs_, given_);
  return reading ? borne_out(*reading) : std::nullopt;
}

/// Where the samples are if somebody says that a reading holds: the caller, or the model by an axis's name.
/// What lies between inputs and result is known by its first extent at most.
std::optional<Samples> SampleSearch::declared(const Reading& reading) const {
  bool any_given = false, all_named = true;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (!reading.axes[i]) continue;
    any_given |= given_.contains(inputs_[i].id);
    all_named &= means_batch(inputs_[i].symbols[static_cast<size_t>(*reading.axes[i])]);
  }
  if (!any_given && !all_named) return {};
  const Shape& result = shape_of(q_.result);
  const auto has_samples = [&](const Shape& shape, int64_t axis) {
    return axis < std::ssize(shape) && shape[static_cast<size_t>(axis)] == reading.samples;
  };
  std::optional<int64_t> axis = std::ranges::find(result, reading.samples) - result.begin();
  if (const auto given = given_.find(q_.output); given != given_.end()) axis = given->second;
  if (!axis || !has_samples(result, *axis)) return {};
  Samples samples = leading(reading.samples);
  const auto set = [&](ValueId id, std::optional<int64_t> at) {
    samples.axes[static_cast<size_t>(id)] = at ? std::optional(SampleAxis{*at}) : std::nullopt;
  };
  for (size_t i = 0; i < inputs_.size(); ++i) set(inputs_[i].id, reading.axes[i]);
  set(q_.result, axis);
  if (has_samples(shape_of(q_.output), *axis)) set(q_.output, axis);
  return samples;
}

/// So many samples, in front where a value has room for them there.
Samples SampleSearch::leading(int64_t count) const {
  Samples samples{count, std::vector<std::optional<SampleAxis>>(q_.graph.values.size())};
  for (size_t id = 0; id < samples.axes.size(); ++id) {
    const Var v = q_.forward.vars[id];
    if (!v || q_.program.is_constant(v)) continue;
    const Shape& shape = q_.program[v].shape;
    if (!shape.empty() && shape[0] == count) samples.axes[id] = SampleAxis{};
  }
  return samples;
}

Samples SampleSearch::run(std::vector<Assumption>& assumptions) {
  const Shape& result = shape_of(q_.result);
  const bool is_empty = !result.empty() && result[0] == 0;
  const auto by_extents = [&](std::string value) {
    assume(assumptions, {"samples", std::move(value), "the inputs' extents", std::string(kOption), true});
  };
  if (is_empty) return by_extents("none"), leading(0);
  const bool in_front =
      std::ranges::all_of(inputs_, [](const BatchedInput& i) { return i.shape.empty() || i.shape[0] == 1; });
  const bool is_one = is_one_sample();
  if (is_one && in_front) return by_extents("one"), leading(1);
  // Elsewhere than in front, extents say it of the inputs, or of a result that one sample leads.
  if (is_one || (!result.empty() && result[0] == 1)) {
    const auto one = single_sample();
    if (one || is_one) return by_extents("one"), one ? *one : leading(1);
  }
  const std::vector<Reading> readings = likely_readings(inputs_, result, given_);
  for (const Reading& reading : readings) {
    const auto samples = borne_out(reading);
    if (!samples) continue;
    note(*samples, "every result comes of its own sample", true, assumptions);
    return *samples;
  }
  for (const Reading& reading : readings) {
    const auto samples = declared(reading);
    if (!samples) continue;
    note(*samples, fmt::format("it is called the batch, although {}", meeting_), false, assumptions);
    return *samples;
  }
  check_given();
  const bool is_given = std::ranges::any_of(q_.given, [](const auto& g) { return !g.second; });
  const auto one = is_given ? std::nullopt : single_sample();
  if (one) return by_extents("one"), *one;
  assume(assumptions, {"samples", "none: all is one", why_none(), std::string(kOption), is_given});
  return leading(1);
}

std::string SampleSearch::why_none() const {
  if (!meeting_.empty()) return meeting_;
  return fmt::format("output '{}' {} has no axis in common with the inputs", name_of(q_.output),
                     to_string(shape_of(q_.output)));
}

void SampleSearch::check_given() const {
  for (const auto& [id, axis] : q_.given) {
    require(!axis || !given_.contains(id), ErrorCode::usage,
            "{}: the samples of '{}' {} cannot lie along its axis {}: {}", kOption, name_of(id),
            to_string(shape_of(id)), axis.value_or(0), why_none());
  }
}

/// One line where all have the samples in front, else one for each input and the output.
void SampleSearch::note(const Samples& found, const std::string& why, bool is_certain,
                        std::vector<Assumption>& assumptions) const {
  const std::string option(kOption);
  std::vector<ValueId> values{q_.output};
  for (const BatchedInput& input : inputs_) values.push_back(input.id);
  const auto leads = [&](ValueId id) { return found.of(id) == SampleAxis{}; };
  if (std::ranges::all_of(values, leads))
    return assume(assumptions, {"samples", "axis 0", why, option, is_certain});
  for (const ValueId id : values) {
    auto axis = found.plain_axis(id);
    if (!axis && id == q_.output) axis = found.plain_axis(q_.result);
    const bool is_said = q_.given.contains(id) || (!axis && shape_of(id).empty());
    assume(assumptions, {fmt::format("samples of '{}'", name_of(id)),
                         axis ? fmt::format("axis {}", *axis) : "none: all share it", why, option,
                         is_said || (is_certain && leads(id))});
  }
}

}  // namespace

Samples find_samples(const SampleQuestion& question, std::vector<Assumption>& assumptions) {
  return SampleSearch(question).run(assumptions);
}

}  // namespace onnxray
