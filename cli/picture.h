#pragma once

#include <optional>
#include <span>
#include <string>

#include "cli/image.h"
#include "cli/preprocess.h"
#include "core/tensor.h"

namespace onnxray::cli {

struct PictureOptions {
  std::string layout;    ///< NCHW, NHWC, NCT, NTC of input and attributions; "" is told from their shapes
  bool overlay = false;  ///< draw images on the input instead of beside it
  int64_t sample = 0;
  std::optional<Preprocess> preprocess = {};  ///< undone to show the input
  std::string input_caption = "input";        ///< on a sheet
};

struct Captioned {
  std::string caption;
  Tensor attribution;
};

/// The picture of one attribution: a heat-map beside or on its input, or the input's curves coloured by
/// relevance; with a bar of the colours from +1 (top) to -1. `input` is what the model saw; an empty one is
/// left out. Throws Error(usage) on tensors that have no picture.
Image draw_attribution(const Tensor& input, const Tensor& attribution, const PictureOptions& options);

/// A contact sheet: the input and several attributions of it, each under its caption.
Image draw_sheet(const Tensor& input, std::span<const Captioned> attributions, const PictureOptions& options);

/// draw_attribution of one, draw_sheet of several.
Image draw_picture(const Tensor& input, std::span<const Captioned> attributions,
                   const PictureOptions& options);

/// Why there is no picture of a tensor; empty where there is one.
std::string why_no_picture(const Tensor& tensor, const std::string& layout);

}  // namespace onnxray::cli
