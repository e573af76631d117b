#pragma once

#include <string>
#include <vector>

#include "core/range.h"
#include "core/shape.h"

namespace onnxray {

/// 1 at the entries that ranges choose, one range for each of the axes, else 0; in row-major order. Throws
/// Error(usage) where a range chooses none.
std::vector<double> region_weights(const std::vector<Range>& ranges, const Shape& extents);

/// "[4:,:,2:10:2]"
std::string to_string(const std::vector<Range>& ranges);

}  // namespace onnxray
