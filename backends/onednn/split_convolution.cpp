#include <omp.h>

#include <algorithm>
#include <array>

#include "backends/onednn/dnnl_call.h"
#include "backends/onednn/ending.h"
#include "backends/onednn/kernels.h"
#include "backends/onednn/split_geometry.h"
#include "backends/onednn/split_weights.h"
#include "backends/onednn/thread_split.h"

namespace onnxray::onednn {

namespace {

/// So many terms of a block stay in the L2 cache while every result reads them; of more, so many are gathered
/// at a time.
constexpr int64_t kMostTerms = 2560, kSomeTerms = 4 * kSplitTerms;
/// Floats that blocks of places and their sums take together.
constexpr int64_t kRoom = int64_t{128} << 10;

/// Sums of kSplitWritten results at the places of a block: z, and where there is one the second result.
struct Sums {
  float *z, *part;
};

constexpr int64_t kFloatsOfSums = kSplitWritten * kSplitPlaces;

/// Sums at every place of y. The operands, x or p and n, are gathered place by place and turned: a block of
/// places is then one vector per term, or three. Where the terms of a block are too many for the cache they
/// are gathered portion by portion, and the sums of all results stay under way.
class SplitSums : public Kernel {
 public:
  SplitSums(const Context& context, const SplitGeometry& s, int64_t operands, int64_t results,
            const SplitWeightBlocks& weights)
      : s_(s),
        weights_(weights),
        operands_(operands),
        kinds_(results),
        cut_(choose_cut(s, omp_get_max_threads())),
        terms_at_once_(operands * s.terms() <= kMostTerms ? s.terms() : kSomeTerms),
        scratch_(context.scratch),
        zeros_(static_cast<size_t>(s.channels)) {
    blocks_at_once_ = std::max<int64_t>(1, kRoom / (floats_gathered() + floats_of_sums()));
    const auto needed = static_cast<size_t>(cut_.shares() * floats_of_share());
    scratch_->resize(std::max(scratch_->size(), needed));
  }

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    const int64_t work = s_.places() * s_.results * s_.terms();
    in_parallel(cut_.shares(), work, [&](int64_t first, int64_t last) {
      for (int64_t share = first; share < last; ++share) run_share(in, out, share);
    });
  }

 protected:
  /// Adds terms that are gathered from `x` on to the sums of kSplitResults results, or starts with them.
  virtual void add(const Sums& sums, bool adds, const float* x, const SplitWeights& w,
                   int64_t vectors) const = 0;
  /// Writes `results` results from `result` on, at `places` places from `place` on.
  virtual void write(std::span<const std::byte* const> in, std::span<std::byte* const> out, const Sums& sums,
                     int64_t place, int64_t places, int64_t result, int64_t results) const = 0;

  /// Between the operands of a block.
  int64_t operand_step() const { return terms_at_once_ * kSplitPlaces; }

 private:
  int64_t floats_gathered() const { return operands_ * operand_step(); }
  int64_t floats_of_sums() const {
    return kinds_ * kFloatsOfSums * (terms_at_once_ < s_.terms() ? s_.groups() : 1);
  }
  /// Apart by a gap, so that two threads never write one line.
  int64_t floats_of_share() const {
    return (blocks_at_once_ * (floats_gathered() + floats_of_sums()) + 127) / 64 * 64;
  }

  void run_share(std::span<const std::byte* const> in, std::span<std::byte* const> out, int64_t share) {
    const auto [first, last] = share_of(s_.blocks(), cut_.of_places, share / cut_.of_results);
    const auto [from, to] = share_of(s_.groups(), cut_.of_results, share % cut_.of_results);
    auto start_of_lines = reinterpret_cast<uintptr_t>(scratch_->data());
    start_of_lines = (start_of_lines + 63) / 64 * 64;
    float* gathered = reinterpret_cast<float*>(start_of_lines) + share * floats_of_share();
    float* sums = gathered + blocks_at_once_ * floats_gathered();
    for (int64_t start = first; start < last; start += blocks_at_once_) {
      const int64_t count = std::min(blocks_at_once_, last - start);
      for (int64_t term = 0; term < s_.terms(); term += terms_at_once_) {
        for (int64_t block = 0; block < count; ++block)
          gather(in, start + block, term, gathered + block * floats_gathered());
        for (int64_t group = from; group < to; ++group) {
          const bool is_whole = terms_at_once_ == s_.terms();
          float* z = sums + (is_whole ? 0 : group * kinds_ * kFloatsOfSums);
          add_group(z, group, term, gathered, start, count);
          if (term + terms_at_once_ < s_.terms()) continue;
          for (int64_t block = 0; block < count; ++block, z += floats_of_sums()) {
            const int64_t place = (start + block) * kSplitPlaces, result = group * kSplitWritten;
            write(in, out, {z, z + kFloatsOfSums}, place, s_.places_of(start + block), result,
                  std::min(kSplitWritten, s_.results - result));
          }
        }
      }
    }
  }

  /// The terms from `first` on that are gathered, for `count` blocks. One block after the other meets the
  /// same weights: how many terms their groups have is then known to the processor, which runs ahead of its
  /// loops.
  void add_group(float* z, int64_t group, int64_t first, const float* gathered, int64_t start,
                 int64_t count) const {
    const int64_t last = std::min(first + terms_at_once_, s_.terms());
    for (int64_t r = 0; r < kSplitWritten; r += kSplitResults) {
      const int64_t result = group * kSplitWritten + r;
      if (result >= s_.results) break;
      for (int64_t block = 0; block < count; ++block) {
        float* sums = z + block * floats_of_sums() + r * kSplitPlaces;
        const int64_t vectors = (s_.places_of(start + block) + kSplitLanes - 1) / kSplitLanes;
        for (int64_t term = first; term < last; term += kSplitTerms)
          add({sums, sums + kFloatsOfSums}, term > 0,
              gathered + block * floats_gathered() + (term - first) * kSplitPlaces,
              weights_.of(result / kSplitResults, term / kSplitTerms), vectors);
      }
    }
  }

  /// to[operand][(tap, c) - first][i] = the operand at the tap of place i of the block, 0 outside.
  void gather(std::span<const std::byte* const> in, int64_t block, int64_t first, float* to) const {
    const int64_t last = std::min(first + terms_at_once_, s_.terms()), count = s_.places_of(block);
    std::array<SplitGeometry::Start, kSplitPlaces> starts;
    for (int64_t i = 0; i < count; ++i)
      starts[static_cast<size_t>(i)] = s_.start_of(block * kSplitPlaces + i);
    for (int64_t term = first; term < last;) {
      const int64_t tap = term / s_.channels, channel = term % s_.channels;
      const int64_t channels = std::min(s_.channels - channel, last - term);
      const SplitGeometry::Axes reach = s_.reach_of(tap);
      for (int64_t operand = 0; operand < operands_; ++operand) {
        const auto* x = reinterpret_cast<const float*>(in[static_cast<size_t>(operand)]);
        std::array<const float*, kSplitPlaces> pixels;
        pixels.fill(zeros_.data());
        for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
          const int64_t pixel = s_.pixel(starts[i], reach);
          if (pixel >= 0) pixels[i] = x + pixel * s_.channels;
        }
        gather_places(to + operand * operand_step() + (term - first) * kSplitPlaces, pixels.data(), channel,
                      channels);
      }
      term += channels;
    }
  }

  SplitGeometry s_;
  SplitWeightBlocks weights_;
  int64_t operands_, kinds_;  // how many are gathered, and how many results there are
  SplitCut cut_;
  int64_t terms_at_once_, blocks_at_once_ = 1;
  std::shared_ptr<std::vector<float>> scratch_;
  std::vector<float> zeros_;  // a pixel outside of x
};

/// What the second result has of z and of its part: that over the positive weights, or over the negative
/// ones.
struct Mixture {
  float of_part = 1, of_z = 0;
  bool operator==(const Mixture&) const = default;
};

/// (x, w[, b]) -> (x * w + b, cut off; x * form(w)).
class SplitForward final : public SplitSums {
 public:
  SplitForward(const Context& context, const SplitGeometry& s, const SplitWeightBlocks& weights,
               Mixture mixture, std::optional<float> cap)
      : SplitSums(context, s, 1, 2, weights), pitch_(s.results), mixture_(mixture) {
    if (cap) finish_.low = 0;
    if (cap) finish_.high = *cap;
  }

 private:
  void add(const Sums& sums, bool adds, const float* x, const SplitWeights& w,
           int64_t vectors) const override {
    sum_parts(sums.z, sums.part, adds, x, w, vectors);
  }

  void write(std::span<const std::byte* const> in, std::span<std::byte* const> out, const Sums& sums,
             int64_t place, int64_t places, int64_t result, int64_t results) const override {
    SplitFinish finish = finish_;
    if (in.size() > 2) std::copy_n(reinterpret_cast<const float*>(in[2]) + result, results, finish.bias);
    if (mixture_ != Mixture{}) mix_sums(sums.part, sums.z, mixture_.of_part, mixture_.of_z);
    const int64_t at = place * pitch_ + result;
    scatter_places(reinterpret_cast<float*>(out[0]) + at, pitch_, sums.z, places, results, finish);
    scatter_places(reinterpret_cast<float*>(out[1]) + at, pitch_, sums.part, places, results, {});
  }

  int64_t pitch_;
  Mixture mixture_;
  SplitFinish finish_;
};

/// (p, n, w) -> T(w+, p) + T(w-, n).
class SplitAdjoint final : public SplitSums {
 public:
  SplitAdjoint(const Context& context, const SplitGeometry& s, const SplitWeightBlocks& weights)
      : SplitSums(context, s, 2, 1, weights), pitch_(s.results) {}

 private:
  void add(const Sums& sums, bool adds, const float* x, const SplitWeights& w,
           int64_t vectors) const override {
    sum_matched(sums.z, adds, x, x + operand_step(), w, vectors);
  }

  void write(std::span<const std::byte* const>, std::span<std::byte* const> out, const Sums& sums,
             int64_t place, int64_t places, int64_t result, int64_t results) const override {
    scatter_places(reinterpret_cast<float*>(out[0]) + place * pitch_ + result, pitch_, sums.z, places,
                   results, {});
  }

  int64_t pitch_;
};

/// Of a form: |w| is w+ - w-, so that its sum is 2 P - z, and w + gamma w+ has z + gamma P.
std::optional<Mixture> mixture_of(const WeightForm& form) {
  switch (form.kind) {
    case WeightForm::Kind::positive:
    case WeightForm::Kind::negative: return Mixture{};
    case WeightForm::Kind::magnitude: return Mixture{2, -1};
    case WeightForm::Kind::raised: return Mixture{static_cast<float>(form.gamma), 1};
    case WeightForm::Kind::whole:
    case WeightForm::Kind::square: break;
  }
  return {};
}

bool is_covered(const Operand& x) {
  return storage_of(x.dtype) == Storage::real && x.shape.size() >= 3 && x.shape.size() <= 5 &&
         is_channels_last(x);
}

}  // namespace

std::unique_ptr<Kernel> compile_split_convolution(const Context& context, const SplitConvolution& p,
                                                  std::optional<float> cap, Operands in, Operands out) {
  const auto mixture = mixture_of(p.part);
  if (!mixture || !in[1].constant || !is_covered(in[0]) || !is_covered(out[0]) || !is_covered(out[1]))
    return nullptr;
  if (in.size() > 2 && in[2].strides[0] != 1) return nullptr;
  const SplitGeometry s(p.window, in[0].shape, out[0].shape);
  const auto part = p.part.kind == WeightForm::Kind::negative ? SplitPart::negative : SplitPart::positive;
  return std::make_unique<SplitForward>(context, s, pack_split_weights(context, in[1], false, part), *mixture,
                                        cap);
}

std::unique_ptr<Kernel> compile_split_convolution_input(const Context& context,
                                                        const SplitConvolutionInput& p, Operands in,
                                                        Operands out) {
  const bool has_stride = std::ranges::any_of(p.window.strides, [](int64_t stride) { return stride != 1; });
  if (has_stride || !in[2].constant || !is_covered(in[0]) || !is_covered(in[1]) || !is_covered(out[0]))
    return nullptr;
  const SplitGeometry s = turned_geometry(p.window, in[0].shape, out[0].shape);
  return std::make_unique<SplitAdjoint>(context, s,
                                        pack_split_weights(context, in[2], true, SplitPart::positive));
}

}  // namespace onnxray::onednn
