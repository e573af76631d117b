#pragma once

#include <cmath>

#include "backends/reference/element.h"
#include "core/primitive.h"

namespace onnxray::reference {

/// What `form` takes of an entry, as a tensor of T would hold it.
template <class T>
T entry(const WeightForm& form, T w) {
  switch (form.kind) {
    case WeightForm::Kind::whole: return w;
    case WeightForm::Kind::positive: return larger(w, T{0});
    case WeightForm::Kind::negative: return smaller(w, T{0});
    case WeightForm::Kind::magnitude: return std::abs(w);
    case WeightForm::Kind::square: return w * w;
    case WeightForm::Kind::raised: return static_cast<T>(double{w} + double{larger(w, T{0})} * form.gamma);
  }
  return w;
}

}  // namespace onnxray::reference
