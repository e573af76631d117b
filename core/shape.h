#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace onnxray {

/// Extents of a tensor in ONNX axis order, outermost first. {} is a scalar.
using Shape = std::vector<int64_t>;
/// Distance in elements between neighbours along each axis.
using Strides = std::vector<int64_t>;

/// Number of elements. Throws Error(unsupported) on a negative extent, and where the extents that are not 0
/// multiply to more than 2^56: what is smaller can be counted in bytes, and added up, without overflow.
int64_t element_count(const Shape& shape);

/// The product of extents [first, last).
int64_t count_between(const Shape& shape, size_t first, size_t last);

Strides row_major_strides(const Shape& shape);
/// NCHW extents held as N,H,W,C in memory (likewise NCT, NCDHW); row-major below rank 3.
Strides channels_last_strides(const Shape& shape);

/// Whether both strides visit the elements of `shape` at the same offsets: axes of extent 1 do not matter.
bool same_layout(const Shape& shape, const Strides& a, const Strides& b);

/// The shape that numpy's broadcasting rules give, or nothing where the shapes do not fit.
std::optional<Shape> broadcast_shapes(const Shape& a, const Shape& b);

/// `axis` in [0, rank) from an axis in [-rank, rank). Throws Error(bad_file) outside of that.
int64_t normalise_axis(int64_t axis, size_t rank);

/// The axes first, first + 1, ..., rank - 1; none where first >= rank.
std::vector<int64_t> axes_from(size_t first, size_t rank);

/// "[1,3,224,224]"
std::string to_string(const Shape& shape);
/// The same of extents that are numbers or symbols: "[batch,3,224,224]"; "" is an unnamed one.
std::string to_string(const std::vector<std::variant<int64_t, std::string>>& extents);

}  // namespace onnxray
