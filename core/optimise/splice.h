#pragma once

#include "core/program.h"

namespace onnxray {

/// Whether handing over the register of result k of `producer` equals storing it as `dtype` and loading it in
/// the domain of a reader.
bool keeps_its_value(const Expression& producer, size_t k, DType dtype, Expression::Domain reader);

/// Writes the producer's code in front of the reader's, which then reads the producer's results no more but
/// its operands. Both are elementwise, in one domain.
void splice(const Step& producer, Step& reader);

/// Appends the code and the results of `second` to `first`. Both are elementwise, in one domain.
void append(Step& first, const Step& second);

}  // namespace onnxray
