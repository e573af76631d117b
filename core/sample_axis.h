#pragma once

#include <optional>
#include <span>
#include <utility>

#include "core/program.h"

namespace onnxray {

/// Where a variable holds the samples of a batch: along `axis`, whose places are [outer, samples, inner] in
/// row-major order. {0, 1, 1} is a batch that leads; attention heads folded behind the samples make inner 12.
struct SampleAxis {
  int64_t axis = 0, outer = 1, inner = 1;
  bool operator==(const SampleAxis&) const = default;
};

/// Follows the first axis of a forward program's inputs and finds out which results hold, for every sample,
/// what the same computation makes of that sample alone. Where a step adds up, compares, reorders or picks
/// among samples, or does to one what it does not do to another, the answer is no; so it is in doubt. A
/// single sample can be followed too, as far as no reshape leaves its axis open.
class SampleAxes {
 public:
  /// What the range of a whole tensor is, its least and its largest entry: a place where samples meet, or a
  /// number like others, as it is to those who round by it.
  enum class Ranges : uint8_t { of_samples, constant };

  /// `batched`: inputs whose first axis counts the samples.
  SampleAxes(const Program& program, std::span<const Var> batched, int64_t samples);
  /// Inputs whose samples lie elsewhere.
  SampleAxes(const Program& program, std::span<const std::pair<Var, SampleAxis>> batched, int64_t samples,
             Ranges ranges = Ranges::of_samples);

  /// Where v holds the samples, each entry of which comes of its sample alone; unset where it does not depend
  /// on them, or they meet.
  std::optional<SampleAxis> of(Var v) const;
  /// Whether samples meet in what v comes of.
  bool meet_in(Var v) const { return (*this)[v].kind == State::Kind::mixed; }
  /// Where they do, for people; empty otherwise.
  std::string meeting(Var v) const;

  /// Whether v's first axis counts the samples and each entry comes of its sample alone.
  bool leads(Var v) const;
  /// Why `leads` says no, for people.
  std::string why_not(Var v) const;

 private:
  struct State {
    enum class Kind : uint8_t { shared, separate, mixed } kind = Kind::shared;
    SampleAxis at = {};  // where separate
    int32_t step = -1;   // where mixed: the first step that was at fault
  };
  friend class SampleStep;

  void follow_steps();
  const State& operator[](Var v) const { return states_[static_cast<size_t>(v.id)]; }
  bool same_for_all(Var v, int64_t axis, const SampleAxis& at) const;

  const Program& program_;
  int64_t samples_;
  Ranges ranges_ = Ranges::of_samples;
  std::vector<State> states_;      // by variable
  std::vector<int32_t> producer_;  // step that writes each variable
};

}  // namespace onnxray
