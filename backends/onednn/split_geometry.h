#pragma once

#include "backends/onednn/spatial_window.h"
#include "backends/onednn/split_products.h"

namespace onnxray::onednn {

/// y[n, m, o] = sum over c, k of w[m, c, k] x[n, c, o stride + k dilation - pad], x and y channels-last.
/// Places are counted through all samples and come in blocks of kSplitPlaces, results in groups of
/// kSplitWritten.
struct SplitGeometry : SpatialWindow {
  int64_t batch, channels, results;

  SplitGeometry(const Window& window, const Shape& x_shape, const Shape& y_shape)
      : SpatialWindow(window, x_shape, y_shape),
        batch(x_shape[0]),
        channels(x_shape[1]),
        results(y_shape[1]) {}

  int64_t terms() const { return kernel[0] * kernel[1] * kernel[2] * channels; }
  int64_t places() const { return batch * y[0] * y[1] * y[2]; }
  int64_t blocks() const { return (places() + kSplitPlaces - 1) / kSplitPlaces; }
  int64_t groups() const { return (results + kSplitWritten - 1) / kSplitWritten; }
  int64_t places_of(int64_t block) const;

  /// Where the window of a place starts in x.
  struct Start {
    int64_t sample = 0;
    Axes at{};
  };
  Start start_of(int64_t place) const;
  /// How far a tap lies from the window's start.
  Axes reach_of(int64_t tap) const;
  /// The pixel of x that lies so far from a start; -1 outside.
  int64_t pixel(const Start& start, const Axes& reach) const {
    int64_t at = start.sample;
    for (size_t a = 0; a < 3; ++a) {
      const int64_t i = start.at[a] + reach[a];
      if (i < 0 || i >= x[a]) return -1;
      at = at * x[a] + i;
    }
    return at;
  }
};

/// The adjoint of a convolution of stride 1, as a convolution of g with turned weights.
SplitGeometry turned_geometry(const Window& window, const Shape& g, const Shape& x);

/// How the work is cut: places in so many shares, results in so many.
struct SplitCut {
  int64_t of_places = 1, of_results = 1;
  int64_t shares() const { return of_places * of_results; }
};
/// The cut for so many threads whose largest share is smallest.
SplitCut choose_cut(const SplitGeometry& s, int64_t threads);

struct Share {
  int64_t first, last;
};
/// The i-th of so many even shares.
Share share_of(int64_t items, int64_t shares, int64_t i);

}  // namespace onnxray::onednn
