#include "core/optimise/splice.h"

#include <algorithm>
#include <bit>

namespace onnxray {

namespace {

/// Apart from ==, this tells 0 from -0.
bool is_same(const Source& a, const Source& b) {
  return a.kind == b.kind && a.index == b.index &&
         std::bit_cast<uint64_t>(a.value) == std::bit_cast<uint64_t>(b.value);
}

/// Builds one expression out of parts; equal instructions appear once.
class Splicer {
 public:
  /// Adds code whose input i is source_of(i). Returns where its results lie now.
  template <class F>
  std::vector<int32_t> add(const std::vector<Instruction>& part, F source_of) {
    std::vector<int32_t> place;
    const auto moved = [&](const Source& s) -> Source {
      if (s.kind == Source::Kind::result) return {s.kind, place[static_cast<size_t>(s.index)], 0};
      return s.kind == Source::Kind::input ? source_of(s.index) : s;
    };
    for (const Instruction& i : part) place.push_back(place_of({i.op, moved(i.a), moved(i.b), moved(i.c)}));
    return place;
  }

  /// The operand `v` as a source.
  Source input(Var v) {
    const auto it = std::ranges::find(inputs, v);
    const auto index = static_cast<int32_t>(it - inputs.begin());
    if (it == inputs.end()) inputs.push_back(v);
    return {Source::Kind::input, index, 0};
  }

  std::vector<Var> inputs;
  std::vector<Instruction> code;

  int32_t place_of(const Instruction& i) {
    const auto known = std::ranges::find_if(code, [&](const Instruction& other) {
      return other.op == i.op && is_same(other.a, i.a) && is_same(other.b, i.b) && is_same(other.c, i.c);
    });
    const auto place = static_cast<int32_t>(known - code.begin());
    if (known == code.end()) code.push_back(i);
    return place;
  }
};

const Expression& expression_of(const Step& step) { return std::get<Elementwise>(step.primitive).expression; }

std::vector<int32_t> at(const std::vector<int32_t>& place, const std::vector<int32_t>& results) {
  std::vector<int32_t> found;
  for (const int32_t r : results) found.push_back(place[static_cast<size_t>(r)]);
  return found;
}

}  // namespace

bool keeps_its_value(const Expression& producer, size_t k, DType dtype, Expression::Domain reader) {
  if (producer.domain != reader) return false;
  if (producer.domain == Expression::Domain::real && is_floating(dtype)) return true;
  if (producer.domain == Expression::Domain::integer && dtype == DType::i64) return true;
  return dtype == DType::boolean &&
         yields_boolean(producer.code[static_cast<size_t>(producer.results[k])].op);
}

void splice(const Step& producer, Step& reader) {
  Splicer splicer;
  const Expression &p = expression_of(producer), &r = expression_of(reader);
  const std::vector<int32_t> results = at(
      splicer.add(p.code, [&](int32_t i) { return splicer.input(producer.inputs[static_cast<size_t>(i)]); }),
      p.results);
  const auto source_of = [&](int32_t i) -> Source {
    const Var v = reader.inputs[static_cast<size_t>(i)];
    const auto own = std::ranges::find(producer.outputs, v);
    if (own == producer.outputs.end()) return splicer.input(v);
    return {Source::Kind::result, results[static_cast<size_t>(own - producer.outputs.begin())], 0};
  };
  std::vector<int32_t> reader_results = at(splicer.add(r.code, source_of), r.results);
  reader.primitive = Elementwise{{r.domain, std::move(splicer.code), std::move(reader_results)}};
  reader.inputs = std::move(splicer.inputs);
}

void read_instead(Step& step, const std::map<int32_t, Var>& known) {
  Splicer splicer;
  const Expression& e = expression_of(step);
  std::vector<Source> place;
  const auto moved = [&](const Source& s) -> Source {
    if (s.kind == Source::Kind::result) return place[static_cast<size_t>(s.index)];
    return s.kind == Source::Kind::input ? splicer.input(step.inputs[static_cast<size_t>(s.index)]) : s;
  };
  for (size_t i = 0; i < e.code.size(); ++i) {
    const auto given = known.find(static_cast<int32_t>(i));
    if (given != known.end()) {
      place.push_back(splicer.input(given->second));
      continue;
    }
    const Instruction& in = e.code[i];
    const Source a = moved(in.a), b = moved(in.b), c = moved(in.c);
    place.push_back({Source::Kind::result, splicer.place_of({in.op, a, b, c}), 0});
  }
  std::vector<int32_t> results;
  for (const int32_t r : e.results) results.push_back(place[static_cast<size_t>(r)].index);
  step.primitive = Elementwise{{e.domain, std::move(splicer.code), std::move(results)}};
  step.inputs = std::move(splicer.inputs);
}

void append(Step& first, const Step& second) {
  Splicer splicer;
  std::vector<int32_t> results;
  for (const Step* step : {static_cast<const Step*>(&first), &second}) {
    const auto source_of = [&](int32_t i) { return splicer.input(step->inputs[static_cast<size_t>(i)]); };
    const Expression& e = expression_of(*step);
    std::ranges::copy(at(splicer.add(e.code, source_of), e.results), std::back_inserter(results));
  }
  first.outputs.insert(first.outputs.end(), second.outputs.begin(), second.outputs.end());
  first.primitive = Elementwise{{expression_of(first).domain, std::move(splicer.code), std::move(results)}};
  first.inputs = std::move(splicer.inputs);
}

}  // namespace onnxray
