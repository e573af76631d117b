#pragma once

#include <cstdint>
#include <limits>

/// Products whose terms are parted by the sign of the weights.
///
/// Of a sum z = sum over k of x_k w_k the parts P, over the positive weights, and N, over the others, cost no
/// more multiplications than z: each term belongs to one of both. So do T(w+, p) + T(w-, n), where each
/// weight meets the cotangent that its sign names. The work of two products is done in one, if nothing asks
/// for the sign of a weight while it is multiplied. So weights are sorted beforehand: four results are summed
/// at once, at 48 places in the lanes of vectors, and the terms of four such sums are grouped by the signs of
/// their four weights. Within each of the 16 groups it is known which of the registers, P's or N's, each
/// product goes to. 4 x 3 vectors for P and as many for N leave 8 of 32 registers for operands, which is why
/// this is for AVX-512: 12 multiplications there wait for 8 reads.
namespace onnxray::onednn {

inline constexpr int64_t kSplitResults = 4;  ///< whose terms are grouped together
inline constexpr int64_t kSplitGroups = 16;  ///< of terms, by the signs of their weights
inline constexpr int64_t kSplitLanes = 16;
/// Results that are written together: a line of the cache.
inline constexpr int64_t kSplitWritten = 16;
inline constexpr int64_t kSplitPlaces = 48;  ///< at once: three vectors
/// Terms that are summed before they are added to what came before. P and N grow beyond z, and their rounding
/// errors with them: z as the sum of whole P and N would be off by five times what sums in the order of k
/// are. In portions of so many terms it is nearly as exact as they.
inline constexpr int64_t kSplitTerms = 64;

/// The weights of kSplitResults results in up to kSplitTerms terms, in the order of groups; bit r of a group
/// is set where its terms belong to the other part of result r: to N, where the weight is negative.
struct SplitWeights {
  const float* values;     ///< [terms][kSplitResults]
  const uint16_t* places;  ///< [terms]: where in x the term's places start, in floats
  const uint16_t* counts;  ///< [kSplitGroups]: terms of each group
};

/// z = sum over k of w_k x_k and P, its part over groups where a weight's bit is not set; or z and P plus
/// that. x is [terms][kSplitPlaces], z and P [kSplitResults][kSplitPlaces], of which `vectors` <= 3 vectors
/// count. Aligned to a vector.
void sum_parts(float* z, float* P, bool adds, const float* x, const SplitWeights& w, int64_t vectors);
/// z = sum over k of w_k (w_k < 0 ? n_k : p_k), or z plus that.
void sum_matched(float* z, bool adds, const float* p, const float* n, const SplitWeights& w, int64_t vectors);

/// x[c * kSplitPlaces + i] = pixels[i][first + c] for i < kSplitPlaces and c < count.
void gather_places(float* x, const float* const* pixels, int64_t first, int64_t count);

/// P = of_P P + of_z z, for kSplitWritten results.
void mix_sums(float* P, const float* z, float of_P, float of_z);

/// What becomes of a result: a bias is added, then it is cut off below and above.
struct SplitFinish {
  float bias[kSplitWritten] = {};
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
};
/// y[i * pitch + r] = finished sums[r * kSplitPlaces + i] for i < places and r < results <= kSplitWritten;
/// there are sums for kSplitWritten results.
void scatter_places(float* y, int64_t pitch, const float* sums, int64_t places, int64_t results,
                    const SplitFinish& finish);

}  // namespace onnxray::onednn
