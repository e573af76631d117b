#pragma once

#include <cstdint>

#include "backends/onednn/simd.h"
#include "core/primitive.h"

namespace onnxray::onednn {

using Form = WeightForm::Kind;

/// Replaces an entry of b, or a vector of them, by what the form takes of it. NaN stays.
template <Form form, class T>
ONNXRAY_INLINE void take(T& x, float gamma) {
  if constexpr (form == Form::positive) x = x < 0 ? T{} : x;
  if constexpr (form == Form::negative) x = x > 0 ? T{} : x;
  if constexpr (form == Form::magnitude) x = x < 0 ? -x : x;
  if constexpr (form == Form::square) x = x * x;
  if constexpr (form == Form::raised) x = x + gamma * (x < 0 ? T{} : x);
}

template <Form form>
ONNXRAY_INLINE float taken(float x, float gamma) {
  take<form>(x, gamma);
  return x;
}

/// Calls f.operator()<form>().
template <class F>
ONNXRAY_INLINE void with_form(Form form, const F& f) {
  switch (form) {
    case Form::whole: return f.template operator()<Form::whole>();
    case Form::positive: return f.template operator()<Form::positive>();
    case Form::negative: return f.template operator()<Form::negative>();
    case Form::magnitude: return f.template operator()<Form::magnitude>();
    case Form::square: return f.template operator()<Form::square>();
    case Form::raised: return f.template operator()<Form::raised>();
  }
}

/// Replaces each of `count` values.
void take_form(const WeightForm& form, float* values, int64_t count);

}  // namespace onnxray::onednn
