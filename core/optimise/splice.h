#pragma once

#include <map>

#include "core/program.h"

namespace onnxray {

/// Whether handing over the register of result k of `producer` equals storing it as `dtype` and loading it in
/// the domain of a reader.
bool keeps_its_value(const Expression& producer, size_t k, DType dtype, Expression::Domain reader);

/// Writes the producer's code in front of the reader's, which then reads the producer's results no more but
/// its operands. Both are elementwise, in one domain.
void splice(const Step& producer, Step& reader);

/// The step reads `known[i]` in place of computing instruction i, which is none of its results, and gives up
/// the operands that only such instructions read.
void read_instead(Step& step, const std::map<int32_t, Var>& known);

/// Appends the code and the results of `second` to `first`. Both are elementwise, in one domain.
void append(Step& first, const Step& second);

}  // namespace onnxray
