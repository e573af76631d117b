#include <algorithm>
#include <map>

#include "core/optimise/optimise.h"

namespace onnxray {

namespace {

/// What fills [begin, end) along one axis of a tensor that is 0 elsewhere.
struct Piece {
  Var source, placed;
  size_t axis = 0;
  int64_t begin = 0, end = 0;
};

/// x taken apart in T slices flows back as a sum of T tensors of x's size that are 0 but for one slice each:
/// T^2 slices moved. Slices that do not overlap are joined instead, which moves T.
class PlaceJoiner {
 public:
  explicit PlaceJoiner(Program& program)
      : program_(program),
        producer_(program.variables.size(), kNone),
        uses_(program.variables.size(), 0),
        inner_(program.steps.size(), false) {
    for (size_t i = 0; i < program.steps.size(); ++i) {
      for (const Var v : program.steps[i].outputs) producer_[index(v)] = i;
      for (const Var v : program.steps[i].inputs) ++uses_[index(v)];
    }
    for (const NamedVar& output : program.outputs) ++uses_[index(output.var)];
    for (const LoopVariable& carried : program.loop) {
      ++uses_[index(carried.initial)];
      ++uses_[index(carried.next)];
    }
  }

  void run() {
    std::map<size_t, std::vector<Step>> joined;
    // The last sum first: those that it reads belong to it.
    for (size_t i = program_.steps.size(); i-- > 0;) {
      if (inner_[i] || !is_sum(i)) continue;
      if (std::vector<Step> steps = join(i); !steps.empty()) joined[i] = std::move(steps);
    }
    if (joined.empty()) return;
    std::vector<Step> all;
    for (size_t i = 0; i < program_.steps.size(); ++i) {
      const auto it = joined.find(i);
      if (it == joined.end())
        all.push_back(std::move(program_.steps[i]));
      else
        std::ranges::move(it->second, std::back_inserter(all));
    }
    program_.steps = std::move(all);
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;
  static size_t index(Var v) { return static_cast<size_t>(v.id); }
  const Shape& shape(Var v) const { return program_[v].shape; }

  /// a + b without broadcasting.
  bool is_sum(size_t i) const {
    const Step& step = program_.steps[i];
    const auto* e = std::get_if<Elementwise>(&step.primitive);
    return e && e->expression.code.size() == 1 && e->expression.code[0].op == Opcode::add &&
           step.inputs.size() == 2 && step.outputs.size() == 1 &&
           std::ranges::all_of(step.inputs, [&](Var v) {
             return shape(v) == shape(step.outputs[0]) &&
                    program_[v].dtype == program_[step.outputs[0]].dtype;
           });
  }

  /// The producer of `v` where nobody else reads it, in the block of `root`.
  size_t own_producer(Var v, const Step& root) const {
    const size_t p = producer_[index(v)];
    return p != kNone && uses_[index(v)] == 1 && program_.steps[p].block == root.block ? p : kNone;
  }

  std::optional<Piece> piece_of(size_t p) const {
    const Step& step = program_.steps[p];
    const auto* place = std::get_if<Place>(&step.primitive);
    if (!place || place->fill != 0) return std::nullopt;
    const Shape& x = shape(step.inputs[0]);
    std::optional<Piece> piece;
    for (size_t i = 0; i < x.size(); ++i) {
      if (x[i] == place->shape[i]) continue;
      const bool contiguous = x[i] == 1 || place->steps[i] == 1;
      if (piece || !contiguous) return std::nullopt;
      piece = {step.inputs[0], step.outputs[0], i, place->starts[i], place->starts[i] + x[i]};
    }
    return piece;
  }

  /// The terms of the sum that step `root` ends, by axis where they are pieces; the others in `rest`.
  std::map<size_t, std::vector<Piece>> take_apart(size_t root, std::vector<Var>& rest) {
    std::map<size_t, std::vector<Piece>> pieces;
    std::vector<Var> open(program_.steps[root].inputs.rbegin(), program_.steps[root].inputs.rend());
    while (!open.empty()) {
      const Var v = open.back();
      open.pop_back();
      const size_t p = own_producer(v, program_.steps[root]);
      if (p != kNone && is_sum(p)) {
        inner_[p] = true;
        open.insert(open.end(), program_.steps[p].inputs.rbegin(), program_.steps[p].inputs.rend());
      } else if (const auto piece = p == kNone ? std::nullopt : piece_of(p)) {
        pieces[piece->axis].push_back(*piece);
      } else {
        rest.push_back(v);
      }
    }
    return pieces;
  }

  /// Pieces in as few layers as keep them apart.
  static std::vector<std::vector<Piece>> layers_of(std::vector<Piece> pieces) {
    std::ranges::stable_sort(pieces, {}, &Piece::begin);
    std::vector<std::vector<Piece>> layers;
    std::multimap<int64_t, size_t> free_from;  // where a layer's last piece ends
    for (const Piece& piece : pieces) {
      const auto it = free_from.begin();
      const bool fits = it != free_from.end() && it->first <= piece.begin;
      const size_t layer = fits ? it->second : layers.size();
      if (fits)
        free_from.erase(it);
      else
        layers.emplace_back();
      layers[layer].push_back(piece);
      free_from.emplace(piece.end, layer);
    }
    return layers;
  }

  Var zeros(Shape like, size_t axis, int64_t extent, DType dtype) {
    like[axis] = extent;
    const Var v = program_.add_variable(like, dtype);
    program_[v].constant = Tensor(dtype, std::move(like));
    return v;
  }

  Step join_layer(const std::vector<Piece>& layer, const Step& root) {
    const size_t axis = layer[0].axis;
    const Shape whole = shape(root.outputs[0]);
    const DType dtype = program_[root.outputs[0]].dtype;
    Step step{Concat{static_cast<int64_t>(axis)}, {}, {}, root.block, root.node};
    int64_t end = 0;
    const auto fill_up_to = [&](int64_t begin) {
      if (begin > end) step.inputs.push_back(zeros(whole, axis, begin - end, dtype));
    };
    for (const Piece& piece : layer) {
      fill_up_to(piece.begin);
      step.inputs.push_back(piece.source);
      end = piece.end;
    }
    fill_up_to(whole[axis]);
    step.outputs = {program_.add_variable(whole, dtype, program_[root.outputs[0]].label)};
    return step;
  }

  /// The steps that replace the sum; none where nothing can be joined.
  std::vector<Step> join(size_t at) {
    std::vector<Var> terms;
    const auto pieces = take_apart(at, terms);
    const Step root = program_.steps[at];
    std::vector<Step> steps;
    for (const auto& [axis, all] : pieces) {
      for (const std::vector<Piece>& layer : layers_of(all)) {
        if (layer.size() == 1) {
          terms.push_back(layer[0].placed);
          continue;
        }
        steps.push_back(join_layer(layer, root));
        terms.push_back(steps.back().outputs[0]);
      }
    }
    if (steps.empty()) return {};
    Var sum = terms[0];
    for (size_t i = 1; i < terms.size(); ++i) {
      Step add = root;
      add.inputs = {sum, terms[i]};
      add.outputs = {program_.add_variable(shape(root.outputs[0]), program_[root.outputs[0]].dtype,
                                           program_[root.outputs[0]].label)};
      sum = add.outputs[0];
      steps.push_back(std::move(add));
    }
    steps.back().outputs = root.outputs;
    return steps;
  }

  Program& program_;
  std::vector<size_t> producer_;  // by variable: the step
  std::vector<int32_t> uses_;     // by variable
  std::vector<bool> inner_;       // by step: part of a larger sum
};

}  // namespace

void join_places(Program& program) { PlaceJoiner(program).run(); }

}  // namespace onnxray
