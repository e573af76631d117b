#include "methods/sample_readings.h"

#include <algorithm>

#include "core/samples.h"

namespace onnxray {

namespace {

constexpr int kMostMixed = 32;  ///< readings by which inputs hold the samples on different axes

using Axis = std::optional<int64_t>;

template <class List, class T>
Axis first_axis(const List& list, const T& wanted) {
  const auto it = std::ranges::find(list, wanted);
  return it == list.end() ? Axis() : Axis(it - list.begin());
}

class Readings {
 public:
  Readings(const std::vector<BatchedInput>& inputs, const Shape& result, const GivenSamples& given)
      : inputs_(inputs), result_(result), given_(given) {}

  std::vector<Reading> list();

 private:
  template <class Pick>
  void add(int64_t samples, const Pick& pick);
  bool is_likely(const Reading& reading) const;
  void add_symbol(const std::string& symbol);
  void add_leading();
  void add_mixed(int64_t samples, std::vector<Axis>& axes);

  const std::vector<BatchedInput>& inputs_;
  const Shape& result_;
  const GivenSamples& given_;
  std::vector<Reading> readings_;
  int mixed_ = 0;
};

std::vector<Reading> Readings::list() {
  std::vector<std::string> symbols;
  for (const BatchedInput& input : inputs_)
    symbols.insert(symbols.end(), input.symbols.begin(), input.symbols.end());
  std::erase(symbols, "");
  for (const std::string& symbol : symbols) {
    if (means_batch(symbol)) add_symbol(symbol);
  }
  add_leading();
  for (const std::string& symbol : symbols) add_symbol(symbol);
  for (const int64_t extent : result_) {
    std::vector<Axis> axes;
    add_mixed(extent, axes);
  }
  return readings_;
}

/// The reading that is given, and where nothing is what `pick` says of input i.
template <class Pick>
void Readings::add(int64_t samples, const Pick& pick) {
  Reading reading{samples, {}};
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const auto given = given_.find(inputs_[i].id);
    reading.axes.push_back(given == given_.end() ? pick(i) : given->second);
  }
  const bool is_new = std::ranges::find(readings_, reading) == readings_.end();
  if (is_new && is_likely(reading)) readings_.push_back(std::move(reading));
}

bool Readings::is_likely(const Reading& reading) const {
  if (reading.samples < 2 || !first_axis(result_, reading.samples)) return false;
  bool any = false, any_floating = false, numbers_only = result_.size() == 1;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const Axis axis = reading.axes[i];
    if (!axis) continue;
    const BatchedInput& input = inputs_[i];
    if (input.shape[static_cast<size_t>(*axis)] != reading.samples) return false;
    any = true;
    any_floating |= input.is_floating;
    numbers_only &= input.shape.size() == 1 && !given_.contains(input.id);
  }
  // [4] -> [4] is a vector rather than four samples of one number, and a model of real inputs has a batch of
  // those.
  const bool has_floating = std::ranges::any_of(inputs_, &BatchedInput::is_floating);
  return any && !numbers_only && (any_floating || !has_floating);
}

/// The axes of that name. Where a batch is called so, inputs without it are shared; else an extent will do.
void Readings::add_symbol(const std::string& symbol) {
  for (const BatchedInput& first : inputs_) {
    const Axis at = first_axis(first.symbols, symbol);
    if (!at) continue;
    const int64_t samples = first.shape[static_cast<size_t>(*at)];
    return add(samples, [&](size_t i) {
      const Axis axis = first_axis(inputs_[i].symbols, symbol);
      return axis || means_batch(symbol) ? axis : first_axis(inputs_[i].shape, samples);
    });
  }
}

void Readings::add_leading() {
  for (const BatchedInput& first : inputs_) {
    if (first.shape.empty()) continue;
    add(first.shape[0], [&](size_t i) { return first_axis(inputs_[i].shape, first.shape[0]); });
  }
}

/// Every choice among each input's axes of that extent.
void Readings::add_mixed(int64_t samples, std::vector<Axis>& axes) {
  if (mixed_ == kMostMixed) return;
  if (axes.size() == inputs_.size()) {
    ++mixed_;
    return add(samples, [&](size_t i) { return axes[i]; });
  }
  const Shape& shape = inputs_[axes.size()].shape;
  std::vector<Axis> choices;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] == samples) choices.emplace_back(static_cast<int64_t>(axis));
  }
  if (choices.empty()) choices.emplace_back();
  for (const Axis& choice : choices) {
    axes.push_back(choice);
    add_mixed(samples, axes);
    axes.pop_back();
  }
}

}  // namespace

std::vector<Reading> likely_readings(const std::vector<BatchedInput>& inputs, const Shape& result,
                                     const GivenSamples& given) {
  return Readings(inputs, result, given).list();
}

std::optional<Reading> single_sample_reading(const std::vector<BatchedInput>& inputs,
                                             const GivenSamples& given) {
  Reading reading{1, {}};
  for (const BatchedInput& input : inputs) {
    const auto known = given.find(input.id);
    const auto named = std::ranges::find_if(input.symbols, means_batch);
    Axis axis = first_axis(input.shape, int64_t{1});
    if (named != input.symbols.end()) axis = named - input.symbols.begin();
    if (known != given.end()) axis = known->second;
    const bool fits = axis && input.shape[static_cast<size_t>(*axis)] == 1;
    if (!fits && known == given.end() && !input.shape.empty()) return {};
    reading.axes.push_back(fits ? axis : std::nullopt);
  }
  const bool any = std::ranges::any_of(reading.axes, [](const Axis& axis) { return axis.has_value(); });
  return any ? std::optional(std::move(reading)) : std::nullopt;
}

}  // namespace onnxray
