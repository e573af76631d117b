#include "backends/onednn/split_weights.h"

#include <algorithm>

#include "backends/onednn/thread_split.h"

namespace onnxray::onednn {

namespace {

/// w as a matrix of results by terms, a term being (tap, channel).
class TermsOfResults {
 public:
  TermsOfResults(const Operand& w, bool turned)
      : data_(reinterpret_cast<const float*>(w.constant)),
        results_(w.shape[turned ? 1 : 0]),
        result_stride_(w.strides[turned ? 1 : 0]) {
    const size_t channels = turned ? 0 : 1;
    const int64_t taps = count_between(w.shape, 2, w.shape.size());
    for (int64_t tap = 0; tap < taps; ++tap) {
      int64_t rest = turned ? taps - 1 - tap : tap, offset = 0;
      for (size_t axis = w.shape.size(); axis-- > 2; rest /= w.shape[axis])
        offset += rest % w.shape[axis] * w.strides[axis];
      for (int64_t c = 0; c < w.shape[channels]; ++c) offsets_.push_back(offset + c * w.strides[channels]);
    }
  }

  int64_t results() const { return results_; }
  int64_t terms() const { return std::ssize(offsets_); }
  /// row[k] = the weight of term start + k, for k < count.
  void read(int64_t result, int64_t start, int64_t count, float* row) const {
    if (result >= results_) return void(std::fill_n(row, count, 0.0f));
    const float* from = data_ + result * result_stride_;
    const int64_t* offsets = offsets_.data() + start;
    for (int64_t k = 0; k < count; ++k) row[k] = from[offsets[k]];
  }

 private:
  const float* data_;
  int64_t results_, result_stride_;
  std::vector<int64_t> offsets_;  // by term
};

int64_t portions(int64_t terms) { return (terms + kSplitTerms - 1) / kSplitTerms; }
int64_t quartets(int64_t results) { return (results + kSplitResults - 1) / kSplitResults; }
/// Floats that hold so many 16-bit numbers.
int64_t floats_of(int64_t shorts) { return (shorts + 1) / 2; }

static_assert((kSplitTerms - 1) * kSplitPlaces <= std::numeric_limits<uint16_t>::max());

/// The terms of one portion for results from `first` on, by group.
void sort_portion(const TermsOfResults& w, SplitPart part, int64_t first, int64_t start, float* values,
                  uint16_t* places, uint16_t* counts) {
  const int64_t count = std::min(kSplitTerms, w.terms() - start);
  const int32_t flip = part == SplitPart::positive ? 0 : kSplitGroups - 1;
  float rows[kSplitResults][kSplitTerms];
  int32_t groups[kSplitTerms];
  std::fill_n(groups, count, flip);
  for (int64_t r = 0; r < kSplitResults; ++r) {
    w.read(first + r, start, count, rows[r]);
#pragma omp simd
    for (int64_t k = 0; k < count; ++k) groups[k] ^= (rows[r][k] < 0 ? 1 : 0) << r;
  }
  std::fill_n(counts, kSplitGroups, uint16_t{0});
  for (int64_t k = 0; k < count; ++k) ++counts[groups[k]];
  int64_t next[kSplitGroups] = {};
  for (int64_t g = 1; g < kSplitGroups; ++g) next[g] = next[g - 1] + counts[g - 1];
  for (int64_t k = 0; k < count; ++k) {
    const int64_t to = next[groups[k]]++;
    for (int64_t r = 0; r < kSplitResults; ++r) values[to * kSplitResults + r] = rows[r][k];
    places[to] = static_cast<uint16_t>(k * kSplitPlaces);
  }
}

}  // namespace

SplitWeightBlocks::Sizes::Sizes(int64_t results, int64_t terms) {
  const int64_t blocks = quartets(results);
  places = blocks * terms * kSplitResults;
  counts = places + floats_of(blocks * terms);
  total = counts + floats_of(blocks * portions(terms) * kSplitGroups);
}

SplitWeightBlocks::SplitWeightBlocks(dnnl::memory memory, int64_t results, int64_t terms)
    : memory_(std::move(memory)), sizes_(results, terms), terms_(terms) {}

SplitWeights SplitWeightBlocks::of(int64_t quartet, int64_t portion) const {
  const auto* data = static_cast<const float*>(memory_.get_data_handle());
  const int64_t term = quartet * terms_ + portion * kSplitTerms;
  return {data + term * kSplitResults, reinterpret_cast<const uint16_t*>(data + sizes_.places) + term,
          reinterpret_cast<const uint16_t*>(data + sizes_.counts) +
              (quartet * portions(terms_) + portion) * kSplitGroups};
}

SplitWeightBlocks pack_split_weights(const Context& context, const Operand& w, bool turned, SplitPart part) {
  using Arrangement = PackedConstants::Arrangement;
  const TermsOfResults terms(w, turned);
  const SplitWeightBlocks::Sizes sizes(terms.results(), terms.terms());
  const Shape total{sizes.total};
  const PackedConstants::Wanted wanted{
      w.constant,
      describe(w.shape, w.strides),
      describe(total, row_major_strides(total)),
      turned ? Arrangement::rotated_split : Arrangement::split,
      {part == SplitPart::positive ? WeightForm::Kind::positive : WeightForm::Kind::negative, 0}};
  const auto pack = [&](dnnl::memory& packed) {
    auto* data = static_cast<float*>(packed.get_data_handle());
    auto* places = reinterpret_cast<uint16_t*>(data + sizes.places);
    auto* counts = reinterpret_cast<uint16_t*>(data + sizes.counts);
    const int64_t all = portions(terms.terms());
    in_parallel(quartets(terms.results()), terms.results() * terms.terms(), [&](int64_t first, int64_t last) {
      for (int64_t quartet = first; quartet < last; ++quartet) {
        for (int64_t portion = 0; portion < all; ++portion) {
          const int64_t start = portion * kSplitTerms, at = quartet * terms.terms() + start;
          sort_portion(terms, part, quartet * kSplitResults, start, data + at * kSplitResults, places + at,
                       counts + (quartet * all + portion) * kSplitGroups);
        }
      }
    });
  };
  return {context.constants->get(wanted, context.engine, pack), terms.results(), terms.terms()};
}

}  // namespace onnxray::onednn
