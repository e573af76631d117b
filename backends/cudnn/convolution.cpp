#include <algorithm>
#include <array>

#include "backends/cudnn/compile.h"
#include "backends/cudnn/convolution_ways.h"
#include "backends/cudnn/kernels/kernels.h"
#include "core/fail.h"

namespace onnxray::cudnn {

namespace {

/// A convolution or its adjoint. The workspace holds, in this order: x in its frame of uneven padding, packed
/// weights that are not constant, the algorithm's own scratch.
class ConvolutionStep final : public DeviceStep {
 public:
  ConvolutionStep(Compiler& c, ConvolutionProblem problem, bool adjoint, const Operands& o)
      : device_(c.device),
        tuner_(c.tuner),
        problem_(std::move(problem)),
        adjoint_(adjoint),
        exact_(o.exact),
        ways_(find_ways(c.device, problem_.shape, adjoint, o.exact, c.tuner.workspace_limit())),
        x_(adjoint ? o.out[0] : o.in[0]),
        y_(adjoint ? o.in[0] : o.out[0]),
        w_(o.in[1]) {
    if (o.in.size() > 2) bias_strides_ = {0, o.in[2].strides[0]};
    bias_strides_.resize(y_.shape.size(), 0);
    frame_bytes_ = problem_.padding ? aligned(bytes_of(problem_.padding->padded)) : 0;
    const bool packs = std::ranges::any_of(ways_, [](const Way& way) { return way.packing.needed(); });
    packed_bytes_ = packs && w_.constant == nullptr ? aligned(bytes_of(w_.shape)) : 0;
    for (const Way& way : ways_) scratch_ = std::max(scratch_, way.workspace);
  }

  bool usable() const { return !ways_.empty(); }

  std::string text() const override { return problem_.shape.to_text() + " by " + ways_[0].name; }

  int64_t workspace_bytes() const override { return frame_bytes_ + packed_bytes_ + scratch_; }

  void prepare(Stream stream, Sources in, Targets out) override {
    const int best = choose(stream, in, out);
    require(best >= 0, ErrorCode::failed,
            "cudnn backend: no algorithm ran for the convolution {}; try --backend onednn",
            problem_.shape.to_text());
    ways_ = {ways_[static_cast<size_t>(best)]};
    scratch_ = ways_[0].workspace;
    if (!ways_[0].packing.needed()) packed_bytes_ = 0;
    if (ways_[0].packing.needed() && w_.constant != nullptr)
      packed_ = packed_weights(stream, ways_[0], in[1]);
  }

  void launch(const Launch& l, Sources in, Targets out) override {
    const Way& way = ways_[0];
    std::byte* scratch = l.workspace + frame_bytes_ + packed_bytes_;
    const float* w = floats(in[1]);
    if (packed_.data() != nullptr) {
      w = floats(packed_.data());
    } else if (way.packing.needed()) {
      float* to = floats(l.workspace + frame_bytes_);
      pack(l.stream, way.packing, w_.shape, w, to);
      w = to;
    }
    const Launch inner{l.stream, scratch, l.fault};
    float* frame = floats(l.workspace);
    if (!problem_.padding) {
      way.run(inner, floats(in[0]), w, floats(out[0]));
    } else if (adjoint_) {
      way.run(inner, floats(in[0]), w, frame);
      copy_strided(l.stream, x_.shape, frame + frame_offset(), frame_strides(), floats(out[0]), x_.strides);
    } else {
      clear(l.stream, frame, element_count(problem_.padding->padded));
      copy_strided(l.stream, x_.shape, floats(in[0]), x_.strides, frame + frame_offset(), frame_strides());
      way.run(inner, frame, w, floats(out[0]));
    }
    if (in.size() > 2)
      add_strided(l.stream, y_.shape, floats(out[0]), y_.strides, floats(in[2]), bias_strides_);
  }

 private:
  Strides frame_strides() const {
    return data_strides(problem_.padding->padded, problem_.shape.channels_last);
  }
  int64_t frame_offset() const {
    int64_t offset = 0;
    const Strides strides = frame_strides();
    for (size_t a = 0; a < strides.size(); ++a) offset += problem_.padding->first[a] * strides[a];
    return offset;
  }

  Memory packed_weights(Stream stream, const Way& way, const std::byte* w) const {
    Memory packed(bytes_of(w_.shape), Memory::Place::device, "packed weights");
    pack(stream, way.packing, w_.shape, floats(w), floats(packed.data()));
    return packed;
  }

  int choose(Stream stream, Sources in, Targets out) {
    const Memory frame(frame_bytes_, Memory::Place::device, "a padded input");
    std::array<Memory, 2> packed;  // plain and rotated
    std::vector<Candidate> candidates;
    for (const Way& way : ways_) {
      Memory& mine = packed[way.packing.rotated ? 1 : 0];
      if (way.packing.needed() && mine.data() == nullptr) mine = packed_weights(stream, way, in[1]);
      const float* w = way.packing.needed() ? floats(mine.data()) : floats(in[1]);
      const float* from = problem_.padding && !adjoint_ ? floats(frame.data()) : floats(in[0]);
      float* to = problem_.padding && adjoint_ ? floats(frame.data()) : floats(out[0]);
      candidates.push_back(
          {way.name, way.workspace, [&way, from, w, to](const Launch& l) { way.run(l, from, w, to); }});
    }
    const std::string_view kind = adjoint_ ? "adjoint" : "forward", math = name_of(device_.precision);
    return tuner_.choose(
        fmt::format("{} {}{} {}", math, exact_ ? "exact " : "", kind, problem_.shape.to_text()), candidates);
  }

  Device& device_;
  Tuner& tuner_;
  ConvolutionProblem problem_;
  bool adjoint_, exact_;
  std::vector<Way> ways_;  // after prepare: the one that is used
  Operand x_, y_, w_;
  Strides bias_strides_;
  int64_t frame_bytes_ = 0, packed_bytes_ = 0, scratch_ = 0;
  Memory packed_;
};

std::unique_ptr<DeviceStep> make(Compiler& c, const Window& window, int64_t groups, bool adjoint,
                                 const Operands& o) {
  const Operand &x = adjoint ? o.out[0] : o.in[0], &y = adjoint ? o.in[0] : o.out[0];
  auto problem = convolution_problem(window, groups, x, o.in[1], y);
  if (!problem) return nullptr;
  auto step = std::make_unique<ConvolutionStep>(c, std::move(*problem), adjoint, o);
  return step->usable() ? std::move(step) : nullptr;
}

}  // namespace

std::unique_ptr<DeviceStep> compile_convolution(Compiler& c, const Convolution& p, const Operands& o) {
  return make(c, p.window, p.groups, false, o);
}

std::unique_ptr<DeviceStep> compile_convolution_input(Compiler& c, const ConvolutionInput& p,
                                                      const Operands& o) {
  return make(c, p.window, p.groups, true, o);
}

}  // namespace onnxray::cudnn
