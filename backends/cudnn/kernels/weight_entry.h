#pragma once

#include "backends/cudnn/kernels/launch.h"
#include "core/primitive.h"

namespace onnxray::cudnn {

/// What a form takes of an entry of a weight.
struct WeightEntry {
  WeightForm::Kind kind = WeightForm::Kind::whole;
  double gamma = 0;

  explicit WeightEntry(const WeightForm& form) : kind(form.kind), gamma(form.gamma) {}

  ONNXRAY_DEVICE double operator()(float w) const {
    switch (kind) {
      case WeightForm::Kind::whole: return w;
      case WeightForm::Kind::positive: return w < 0 ? 0.0f : w;
      case WeightForm::Kind::negative: return w > 0 ? 0.0f : w;
      case WeightForm::Kind::magnitude: return w < 0 ? -w : w;
      case WeightForm::Kind::square: return w * w;
      case WeightForm::Kind::raised: return static_cast<float>(w + (w < 0 ? 0.0 : w * gamma));
    }
    return w;
  }
};

}  // namespace onnxray::cudnn
