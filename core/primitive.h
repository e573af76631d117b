#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "core/expression.h"
#include "core/shape.h"

namespace onnxray {

/// The sliding window of a convolution or pooling over the spatial axes (2, 3, ...). Tensors are [N, C,
/// spatial...]. Output extent: floor((in + pads_begin + pads_end - dilation * (kernel - 1) - 1) / stride)
/// + 1. Ceil mode is expressed by larger pads_end, SAME modes by explicit pads.
struct Window {
  Shape kernel, strides, dilations, pads_begin, pads_end;
  bool operator==(const Window&) const = default;
};

/// Spatial output extents of `window` over the spatial extents `in`. Throws Error(bad_file) where none fits.
Shape window_output(const Window& window, std::span<const int64_t> in);

// Inputs and outputs of each primitive are listed as (inputs) -> outputs. `x`, `w`, `b`, `y` are
// data, weight, bias, result; `g` is a cotangent (the thing that flows backwards).

/// (x0, x1, ...) -> y0[, y1]: every input broadcasts (numpy rules) to the shape of the outputs.
struct Elementwise {
  Expression expression;
  bool operator==(const Elementwise&) const = default;
};

/// What a product takes of each entry w of its weights.
struct WeightForm {
  enum class Kind : uint8_t {
    whole,
    positive,   ///< max(w, 0)
    negative,   ///< min(w, 0)
    magnitude,  ///< |w|
    square,     ///< w^2
    raised,     ///< w + gamma max(w, 0)
  } kind = Kind::whole;
  double gamma = 0;  ///< of `raised`
  auto operator<=>(const WeightForm&) const = default;
};

// A product has a form of its weights where a backend takes it as it packs them, so that the form is never
// stored as it lies (core/optimise/take_weight_forms.cpp).

/// (x [N,C,s..], w [M,C/groups,k..][, b [M]]) -> y [N,M,o..]: cross-correlation, as ONNX Conv.
struct Convolution {
  Window window;
  int64_t groups = 1;
  bool winograd =
      false;  ///< a backend may use Winograd's minimal filtering (core/optimise/choose_winograd.cpp)
  WeightForm form = {};  ///< of w
  bool operator==(const Convolution&) const = default;
};
/// (g [N,M,o..], w) -> x [N,C,s..]: the adjoint of Convolution in x. Also the forward of ConvTranspose.
struct ConvolutionInput {
  Window window;
  int64_t groups = 1;
  Shape shape;
  bool winograd = false;
  WeightForm form = {};
  bool operator==(const ConvolutionInput&) const = default;
};
/// (x [N,C,s..], w [M,C,k..][, b [M]]) -> (y, p), each [N,M,o..]: y is the convolution, p = x * form(w),
/// without a bias. The optimiser makes them of two Convolutions where a backend parts the terms of each sum
/// by the sign of their weights, so that both take the passes of one (core/optimise/join_by_sign.cpp).
struct SplitConvolution {
  Window window;
  WeightForm part;  ///< positive, negative, magnitude or raised
  bool operator==(const SplitConvolution&) const = default;
};
/// (p [N,M,o..], n [N,M,o..], w) -> x = T(w+, p) + T(w-, n), T the adjoint of Convolution in x: each weight
/// meets the cotangent that its sign names. Of two ConvolutionInputs, likewise.
struct SplitConvolutionInput {
  Window window;
  Shape shape;
  bool operator==(const SplitConvolutionInput&) const = default;
};
/// (x, g) -> w [M,C/groups,k..]: the adjoint of Convolution in w.
struct ConvolutionWeight {
  Window window;
  int64_t groups = 1;
  Shape shape;
  bool operator==(const ConvolutionWeight&) const = default;
};

/// (a [..,I,K], b [..,K,J][, bias broadcastable to y]) -> y [..,I,J]: leading axes broadcast. The flags
/// transpose the last two axes.
struct MatMul {
  bool transpose_a = false, transpose_b = false;
  WeightForm form = {};  ///< of b
  bool operator==(const MatMul&) const = default;
};

/// (a0 [I0,K], a1 [I1,K], ..., b [K,J], or [J,K] where transposed) -> (y0 [I0,J], y1, ...): y_i = a_i
/// form_i(b). The optimiser makes them of MatMul where a backend reads b once for all, and no form is stored.
struct FormProducts {
  bool transpose_b = false;
  std::vector<WeightForm> forms;
  bool operator==(const FormProducts&) const = default;
};

/// (x) -> y: over `axes` (sorted, non-negative), which stay with extent 1.
struct Reduce {
  enum class Kind : uint8_t { sum, max, min, prod } kind = Kind::sum;
  std::vector<int64_t> axes;
  bool operator==(const Reduce&) const = default;
};
/// (x) -> i64 index of the largest (smallest) entry along `axis`, which stays with extent 1; the first on
/// ties, or the last.
struct ArgReduce {
  bool largest = true;
  int64_t axis = 0;
  bool last_on_ties = false;
  bool operator==(const ArgReduce&) const = default;
};
/// (x) -> i64 indices of the `count` largest (smallest) entries along `axis`, the largest (smallest) first,
/// of equal ones the earlier first. A NaN is larger than every number.
struct TopK {
  int64_t axis = 0, count = 0;
  bool largest = true;
  bool operator==(const TopK&) const = default;
};
/// (x) -> softmax (or its logarithm) along `axis`.
struct Softmax {
  int64_t axis = -1;
  bool logarithm = false;
  bool operator==(const Softmax&) const = default;
};
/// (x) -> running sum along `axis`.
struct CumSum {
  int64_t axis = 0;
  bool exclusive = false, reverse = false;
  bool operator==(const CumSum&) const = default;
};

/// (x) -> (y, winner): the largest entry of each window; padding never wins, the first tap in scan order wins
/// ties. `winner` is the tap's row-major index inside the kernel: u8 where the kernel has at most 256 taps,
/// else i64.
struct MaxPool {
  Window window;
  bool operator==(const MaxPool&) const = default;
};
/// (g, winner) -> x: each g added at its winner; the adjoint of MaxPool at fixed winners.
struct MaxPoolScatter {
  Window window;
  Shape shape;
  bool operator==(const MaxPoolScatter&) const = default;
};
/// (x, winner) -> y: reads x at the winners; the adjoint of MaxPoolScatter.
struct MaxPoolGather {
  Window window;
  bool operator==(const MaxPoolGather&) const = default;
};
/// (x) -> y: the sum over each window. Average pooling divides by the counts afterwards.
struct SumPool {
  Window window;
  bool operator==(const SumPool&) const = default;
};
/// (g) -> x: the adjoint of SumPool.
struct SumPoolInput {
  Window window;
  Shape shape;
  bool operator==(const SumPoolInput&) const = default;
};

/// (x) -> the same elements in row-major order under another shape.
struct Reshape {
  Shape shape;
  bool operator==(const Reshape&) const = default;
};
/// (x) -> y with y.shape[i] = x.shape[permutation[i]].
struct Transpose {
  std::vector<int64_t> permutation;
  bool operator==(const Transpose&) const = default;
};
/// (x) -> x repeated along axes of extent 1 (numpy broadcasting) to `shape`.
struct Broadcast {
  Shape shape;
  bool operator==(const Broadcast&) const = default;
};
/// (x) -> y[i] = x[starts + i * steps] for i < shape; steps may be negative.
struct Slice {
  std::vector<int64_t> starts, steps;
  Shape shape;
  bool operator==(const Slice&) const = default;
};
/// (x) -> y of `shape`, `fill` everywhere but y[starts + i * steps] = x[i]. With fill 0 the adjoint of Slice.
struct Place {
  std::vector<int64_t> starts, steps;
  Shape shape;
  double fill = 0;
  bool operator==(const Place&) const = default;
};
/// (x0, x1, ...) -> joined along `axis`.
struct Concat {
  int64_t axis = 0;
  bool operator==(const Concat&) const = default;
};

/// (x, index) -> y [x.shape[:axis], index.shape, x.shape[axis+1:]]. Negative indices count from the end.
struct Gather {
  int64_t axis = 0;
  bool operator==(const Gather&) const = default;
};
/// (g, index) -> x with extent `extent` at `axis`: adds g at the gathered places; the adjoint of Gather.
struct GatherAdjoint {
  int64_t axis = 0;
  int64_t extent = 0;
  bool operator==(const GatherAdjoint&) const = default;
};
/// (index [.., k]) -> i64 [..]: the row-major place in a tensor of these k extents that each tuple names.
/// Negative entries count from the end of their axis; one outside of it is an error.
struct RavelIndex {
  Shape extents;
  bool operator==(const RavelIndex&) const = default;
};
/// (x, index) -> y of index's shape: y[i..] = x[i.. with index[i..] at axis].
struct GatherElements {
  int64_t axis = 0;
  bool operator==(const GatherElements&) const = default;
};
/// (x, index, updates) -> x with updates written (or combined) at index along `axis`, in row-major order of
/// index.
struct ScatterElements {
  enum class Kind : uint8_t { replace, add, mul, min, max } kind = Kind::replace;
  int64_t axis = 0;
  bool operator==(const ScatterElements&) const = default;
};

/// A sparse linear map from `in` to `out` places: out[o] = sum over k in [offsets[o], offsets[o+1]) of
/// weight[k] * in[index[k]].
struct AxisTable {
  int64_t in = 0, out = 0;
  std::vector<int64_t> offsets, index;
  std::vector<double> weight;
  bool operator==(const AxisTable&) const = default;
};
AxisTable transposed(const AxisTable& table);
/// (x) -> y: `table` applied along `axis`: interpolation, edge and reflect padding, and their adjoints.
struct AxisMap {
  int64_t axis = 0;
  std::shared_ptr<const AxisTable> table;
  bool operator==(const AxisMap& o) const { return axis == o.axis && *table == *o.table; }
};

/// (sample index i64, any shape) -> [sample index's shape, `shape`]: for each index independent draws, a pure
/// function of (seed, sample index, row-major place in `shape`).
struct Noise {
  enum class Kind : uint8_t { normal, uniform } kind = Kind::normal;  ///< N(0,1), or U(-1,1)
  uint64_t seed = 0;
  Shape shape;
  bool operator==(const Noise&) const = default;
};

using Primitive =
    std::variant<Elementwise, Convolution, ConvolutionInput, SplitConvolution, SplitConvolutionInput,
                 ConvolutionWeight, MatMul, FormProducts, Reduce, ArgReduce, TopK, Softmax, CumSum, MaxPool,
                 MaxPoolScatter, MaxPoolGather, SumPool, SumPoolInput, Reshape, Transpose, Broadcast, Slice,
                 Place, Concat, Gather, GatherAdjoint, RavelIndex, GatherElements, ScatterElements, AxisMap,
                 Noise>;

/// What a product takes of its weights: the whole, for primitives without any.
WeightForm form_of(const Primitive& primitive);
/// The product with another form.
Primitive with_form(Primitive product, const WeightForm& form);

/// Whether every entry of the result is one of the operands', or a constant, by its place alone.
bool only_moves(const Primitive& primitive);

/// "convolution", "max_pool", ...
std::string_view name_of(const Primitive& primitive);
/// The attributes as text: "kernel=[3,3] strides=[1,1] ...".
std::string attributes_text(const Primitive& primitive);

}  // namespace onnxray
