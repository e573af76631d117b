#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/builder.h"
#include "core/range.h"

namespace onnxray {

/// What a program has to know of a target; the rest it is given when it runs.
struct TargetForm {
  enum class Kind : uint8_t { argmax, index, mask } kind = Kind::argmax;
  std::optional<int64_t> axis = {};  ///< argmax: at every place along this axis of one sample's output
  bool in_region = false;            ///< argmax: among entries that the given tensor marks

  TargetForm() = default;
  TargetForm(Kind k) : kind(k) {}
  /// Whether the program takes a tensor: indices, weights or marks.
  bool needs_tensor() const { return kind != Kind::argmax || in_region; }
  bool operator==(const TargetForm&) const = default;
};

/// What is explained: one entry of each sample's output, or a weighting of all.
struct TargetSpec {
  using Kind = TargetForm::Kind;
  Kind kind = Kind::argmax;
  std::vector<int64_t> indices;    ///< row-major inside one sample's output; one, or one per sample
  std::vector<int64_t> tuple;      ///< instead of indices: where in one sample's output, for all samples; an
                                   ///< index for each axis but the samples', or for each of a single sample
  Tensor mask;                     ///< weights in the output's shape, or in one sample's
  std::vector<Range> ranges = {};  ///< instead of a mask, as a tuple counts; or where argmax looks
  std::optional<int64_t> axis = {};  ///< as in TargetForm; negative from the end
  bool is_class = false;             ///< the index is of a class: only an output with one axis has it

  TargetForm form() const;
};

struct TargetVars {
  Var index;      ///< i64 [N], the chosen entries; unset where there is not one per sample
  Var selection;  ///< like logits
};

/// Emits the choice. `order`: what argmax compares, like the logits. `samples`: the axis of the logits that
/// the samples lie along; unset where they are one sample's. Adds a program input named `name` for a form
/// that needs one. Throws Error(usage) where the output has no such axis.
TargetVars emit_target(Builder& b, const TargetForm& form, Var logits, Var order,
                       std::optional<int64_t> samples, const std::string& name);

/// The tensor for that program input. Throws Error(usage) where the target does not fit the logits.
Tensor target_input(const TargetSpec& target, const Shape& logits, std::optional<int64_t> samples);

}  // namespace onnxray
