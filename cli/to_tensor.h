#pragma once

#include "cli/image.h"
#include "cli/preprocess.h"
#include "core/tensor.h"

namespace onnxray::cli {

/// An image as a model's input, f32. `model_input` is the input's shape with -1 where it is unknown; what
/// `preprocess` leaves open is taken from it. A shape of rank 3 lacks the batch axis, one of rank 2 is flat.
/// Throws Error(usage) where the two do not fit.
Tensor image_to_tensor(const Image& image, const Preprocess& preprocess, const Shape& model_input);

/// A table [rows, columns] as a model's input, f32: rows are time steps and columns are channels, or rows are
/// samples of a model that takes [batch, features]. `model_input` as above.
Tensor table_to_tensor(const Tensor& table, const Preprocess& preprocess, const Shape& model_input);

/// NCHW or NHWC where an image input of this shape (rank 4) leaves no doubt, otherwise "".
std::string image_layout(const Shape& shape);

}  // namespace onnxray::cli
