#include "backends/cudnn/convolution_ways.h"

#include <algorithm>

#include "backends/cudnn/gemm.h"
#include "backends/cudnn/kernels/kernels.h"
#include "core/fail.h"

namespace onnxray::cudnn {

namespace {

std::vector<int> ints(const Shape& values) { return {values.begin(), values.end()}; }

/// cuDNN's descriptions of a convolution.
class Descriptors {
 public:
  Descriptors(const ConvolutionShape& s, Precision precision) {
    check(cudnnCreateTensorDescriptor(&x), "describing a convolution");
    check(cudnnCreateTensorDescriptor(&y), "describing a convolution");
    check(cudnnCreateFilterDescriptor(&w), "describing a convolution");
    check(cudnnCreateConvolutionDescriptor(&convolution), "describing a convolution");
    const int axes = static_cast<int>(s.pads.size());
    type_ = precision == Precision::bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    set(x, s.x, s.channels_last);
    set(y, s.y, s.channels_last);
    const cudnnTensorFormat_t format = s.channels_last ? CUDNN_TENSOR_NHWC : CUDNN_TENSOR_NCHW;
    check(cudnnSetFilterNdDescriptor(w, type_, format, axes + 2, ints(s.w).data()),
          "describing a convolution");
    check(
        cudnnSetConvolutionNdDescriptor(convolution, axes, ints(s.pads).data(), ints(s.strides).data(),
                                        ints(s.dilations).data(), CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
        "describing a convolution");
    check(cudnnSetConvolutionGroupCount(convolution, static_cast<int>(s.groups)), "describing a convolution");
    // The default would let float products round to TF32.
    check(cudnnSetConvolutionMathType(convolution,
                                      precision == Precision::fp32 ? CUDNN_FMA_MATH : CUDNN_TENSOR_OP_MATH),
          "describing a convolution");
  }
  ~Descriptors() {
    cudnnDestroyConvolutionDescriptor(convolution);
    cudnnDestroyFilterDescriptor(w);
    cudnnDestroyTensorDescriptor(y);
    cudnnDestroyTensorDescriptor(x);
  }
  Descriptors(const Descriptors&) = delete;
  Descriptors& operator=(const Descriptors&) = delete;

  cudnnTensorDescriptor_t x = nullptr, y = nullptr;
  cudnnFilterDescriptor_t w = nullptr;
  cudnnConvolutionDescriptor_t convolution = nullptr;

 private:
  void set(cudnnTensorDescriptor_t tensor, const Shape& shape, bool channels_last) const {
    check(cudnnSetTensorNdDescriptor(tensor, type_, static_cast<int>(shape.size()), ints(shape).data(),
                                     ints(data_strides(shape, channels_last)).data()),
          "describing a convolution");
  }

  cudnnDataType_t type_ = CUDNN_DATA_FLOAT;
};

/// The way with its operands rounded to bf16 on the way in and its result widened on the way out.
Way in_bf16(Way way, int64_t in_count, int64_t w_count, int64_t out_count) {
  const auto half = [](int64_t count) { return aligned(2 * count); };
  const int64_t in_bytes = half(in_count), w_bytes = half(w_count), out_bytes = half(out_count);
  way.workspace += in_bytes + w_bytes + out_bytes;
  way.run = [=, run = std::move(way.run)](const Launch& l, const float* in, const float* w, float* out) {
    std::byte *narrow_in = l.workspace, *narrow_w = narrow_in + in_bytes, *narrow_out = narrow_w + w_bytes;
    to_bf16(l.stream, in, narrow_in, in_count);
    to_bf16(l.stream, w, narrow_w, w_count);
    run({l.stream, narrow_out + out_bytes, l.fault}, floats(narrow_in), floats(narrow_w), floats(narrow_out));
    from_bf16(l.stream, narrow_out, out, out_count);
  };
  return way;
}

class Ways {
 public:
  Ways(Device& device, ConvolutionShape shape, bool adjoint, bool exact, int64_t limit)
      : device_(device), shape_(std::move(shape)), adjoint_(adjoint), exact_(exact), limit_(limit) {}

  std::vector<Way> find() {
    add_cudnn(shape_, adjoint_, false);
    // A convolution is the adjoint of another one, for which cuDNN may have faster algorithms.
    if (const auto rotated = shape_.rotated()) add_cudnn(*rotated, !adjoint_, true);
    if (shape_.is_pointwise())
      add_product(shape_);
    else if (!adjoint_)
      add_unfolded_product();
    if (const auto thinned = shape_.thinned()) add_thinned_product(*thinned);
    return std::move(ways_);
  }

 private:
  void add_cudnn(const ConvolutionShape& s, bool adjoint, bool rotated) {
    const auto d = std::make_shared<const Descriptors>(s, device_.precision);
    const Packing packing{rotated, s.channels_last};
    if (adjoint)
      add_adjoints(d, packing);
    else
      add_forwards(d, packing);
  }

  void add_forwards(const std::shared_ptr<const Descriptors>& d, const Packing& packing) {
    for (int a = 0; a < CUDNN_CONVOLUTION_FWD_ALGO_COUNT; ++a) {
      const auto algorithm = static_cast<cudnnConvolutionFwdAlgo_t>(a);
      if (exact_ && a >= CUDNN_CONVOLUTION_FWD_ALGO_FFT) continue;
      size_t workspace = 0;
      if (cudnnGetConvolutionForwardWorkspaceSize(device_.cudnn, d->x, d->w, d->convolution, d->y, algorithm,
                                                  &workspace) != CUDNN_STATUS_SUCCESS)
        continue;
      add(fmt::format("forward {}", a), packing, workspace,
          [cudnn = device_.cudnn, d, algorithm, workspace](const Launch& l, const float* x, const float* w,
                                                           float* y) {
            const float one = 1, zero = 0;
            check(cudnnConvolutionForward(cudnn, &one, d->x, x, d->w, w, d->convolution, algorithm,
                                          l.workspace, workspace, &zero, d->y, y),
                  "a convolution");
          });
    }
  }

  void add_adjoints(const std::shared_ptr<const Descriptors>& d, const Packing& packing) {
    for (int a = 0; a < CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT; ++a) {
      const auto algorithm = static_cast<cudnnConvolutionBwdDataAlgo_t>(a);
      if (algorithm == CUDNN_CONVOLUTION_BWD_DATA_ALGO_0) continue;  // adds in any order
      if (exact_ && a >= CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT) continue;
      size_t workspace = 0;
      if (cudnnGetConvolutionBackwardDataWorkspaceSize(device_.cudnn, d->w, d->y, d->convolution, d->x,
                                                       algorithm, &workspace) != CUDNN_STATUS_SUCCESS)
        continue;
      add(fmt::format("adjoint {}", a), packing, workspace,
          [cudnn = device_.cudnn, d, algorithm, workspace](const Launch& l, const float* g, const float* w,
                                                           float* x) {
            const float one = 1, zero = 0;
            check(cudnnConvolutionBackwardData(cudnn, &one, d->w, w, d->y, g, d->convolution, algorithm,
                                               l.workspace, workspace, &zero, d->x, x),
                  "an adjoint convolution");
          });
    }
  }

  using Product = std::function<void(const Launch&, const float* in, const float* w, float* out)>;

  /// y[n] = w x[n] with places as columns; channels-last y = x w^T with places as rows. The adjoint has w^T.
  /// Null where cuBLASLt refuses.
  Product product(const ConvolutionShape& shape, int64_t& workspace) const {
    const int64_t c = shape.x[1], m = shape.y[1], n = shape.x[0];
    const int64_t places = element_count(shape.x) / (n * c), from = adjoint_ ? m : c, to = adjoint_ ? c : m;
    GemmShape s;
    s.inner = from;
    if (shape.channels_last) {
      s.rows = n * places;
      s.columns = to;
      s.transpose_b = !adjoint_;
    } else {
      s.rows = to;
      s.columns = places;
      s.transpose_a = adjoint_;
      s.batch = n;
      s.b_stride = from * places;
      s.c_stride = to * places;
    }
    const auto gemm = std::make_shared<const Gemm>(device_, s);
    workspace = gemm->workspace_bytes();
    if (!gemm->usable()) return nullptr;
    if (shape.channels_last)
      return [gemm](const Launch& l, const float* x, const float* w, float* y) { gemm->launch(l, x, w, y); };
    return [gemm](const Launch& l, const float* x, const float* w, float* y) { gemm->launch(l, w, x, y); };
  }

  void add_product(const ConvolutionShape& shape) {
    int64_t workspace = 0;
    if (auto run = product(shape, workspace))
      add("product", {}, static_cast<size_t>(workspace), std::move(run));
  }

  /// A kernel of one tap with strides reads every s-th place of x: a product over those places alone.
  void add_thinned_product(const ConvolutionShape& thinned) {
    int64_t scratch = 0;
    const Product run = product(thinned, scratch);
    if (!run) return;
    const int64_t thin_bytes = aligned(bytes_of(thinned.x));
    Strides every = data_strides(shape_.x, shape_.channels_last);
    const Strides thin = data_strides(thinned.x, thinned.channels_last);
    for (size_t a = 0; a < shape_.strides.size(); ++a) every[2 + a] *= shape_.strides[a];
    add("product of every s-th", {}, static_cast<size_t>(thin_bytes + scratch),
        [=, adjoint = adjoint_, count = element_count(shape_.x)](const Launch& l, const float* in,
                                                                 const float* w, float* out) {
          float* between = floats(l.workspace);
          const Launch inner{l.stream, l.workspace + thin_bytes, l.fault};
          if (adjoint) {
            run(inner, in, w, between);
            clear(l.stream, out, count);
            copy_strided(l.stream, thinned.x, between, thin, out, every);
          } else {
            copy_strided(l.stream, thinned.x, in, every, between, thin);
            run(inner, between, w, out);
          }
        });
  }

  /// y[n] = w u[n], with as many images unfolded at a time as stay in the second-level cache.
  void add_unfolded_product() {
    if (shape_.groups != 1 || shape_.channels_last) return;
    const Window window{Shape(shape_.w.begin() + 2, shape_.w.end()), shape_.strides, shape_.dilations,
                        shape_.pads, shape_.pads};
    const Operand x{shape_.x, row_major_strides(shape_.x), DType::f32, nullptr},
        y{shape_.y, row_major_strides(shape_.y), DType::f32, nullptr};
    const int64_t images = shape_.x[0], channels = shape_.x[1], to = shape_.y[1];
    const int64_t x_size = element_count(shape_.x) / images, y_size = element_count(shape_.y) / images;
    const int64_t inner = element_count(shape_.w) / to, places = y_size / to, u_size = inner * places;
    constexpr int64_t kCached = int64_t{8} << 20, kMost = int64_t{1} << 30;  // elements
    if (u_size > kMost) return;
    const int64_t chunk = std::clamp<int64_t>(kCached / u_size, 1, images);
    GemmShape s{.rows = to,
                .columns = places,
                .inner = inner,
                .batch = chunk,
                .b_stride = u_size,
                .c_stride = y_size};
    const auto whole = std::make_shared<const Gemm>(device_, s);
    s.batch = std::max<int64_t>(images % chunk, 1);
    const auto last = std::make_shared<const Gemm>(device_, s);
    if (!whole->usable() || !last->usable()) return;
    const int64_t u_bytes = aligned(chunk * u_size * static_cast<int64_t>(sizeof(float)));
    const int64_t scratch = std::max(whole->workspace_bytes(), last->workspace_bytes());
    add("product of windows", {}, static_cast<size_t>(u_bytes + scratch),
        [=, taps = make_taps(window, x, y, nullptr)](const Launch& l, const float* in, const float* w,
                                                     float* out) {
          float* u = floats(l.workspace);
          const Launch inner_launch{l.stream, l.workspace + u_bytes, l.fault};
          for (int64_t n = 0; n < images; n += chunk) {
            const int64_t count = std::min(chunk, images - n);
            unfold(l.stream, taps, count, channels, in + n * x_size, u);
            (count == chunk ? whole : last)->launch(inner_launch, w, u, out + n * y_size);
          }
        });
  }

  template <class F>
  void add(const std::string& name, const Packing& packing, size_t workspace, F run) {
    Way way{packing.rotated ? name + " rotated" : name, packing, static_cast<int64_t>(workspace),
            std::move(run)};
    // cuBLASLt rounds on its own.
    if (device_.precision == Precision::bf16 && !name.starts_with("product")) {
      const int64_t x = element_count(shape_.x), y = element_count(shape_.y);
      way = in_bf16(std::move(way), adjoint_ ? y : x, element_count(shape_.w), adjoint_ ? x : y);
    }
    if (way.workspace <= limit_) ways_.push_back(std::move(way));
  }

  Device& device_;
  ConvolutionShape shape_;
  bool adjoint_, exact_;
  int64_t limit_;
  std::vector<Way> ways_;
};

}  // namespace

void pack(Stream stream, const Packing& packing, const Shape& w, const float* from, float* to) {
  Shape shape = w;
  Strides src = row_major_strides(w);
  int64_t first = 0;
  if (packing.rotated) {
    std::swap(shape[0], shape[1]);
    std::swap(src[0], src[1]);
    for (size_t a = 2; a < w.size(); ++a) {
      first += (w[a] - 1) * src[a];
      src[a] = -src[a];
    }
  }
  copy_strided(stream, shape, from + first, src, to, data_strides(shape, packing.channels_last));
}

std::vector<Way> find_ways(Device& device, const ConvolutionShape& shape, bool adjoint, bool exact,
                           int64_t limit) {
  return Ways(device, shape, adjoint, exact, limit).find();
}

}  // namespace onnxray::cudnn
