#include <algorithm>
#include <cctype>
#include <map>

#include "core/fail.h"
#include "ops/families.h"

namespace onnxray {

namespace {

/// A tensor whose axes carry labels. Axes of an ellipsis are '0', '1', ... from the last one backwards, so
/// that they line up as in broadcasting.
struct Term {
  Var value;
  std::string labels;
};

struct Equation {
  std::vector<std::string> terms;
  std::optional<std::string> result;  ///< unset where the equation has no arrow
};

Equation parse(const std::string& text) {
  std::string equation;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) equation += c;
  }
  Equation parsed;
  const size_t arrow = equation.find("->");
  if (arrow != std::string::npos) parsed.result = equation.substr(arrow + 2);
  const std::string left = equation.substr(0, arrow);
  size_t begin = 0;
  for (size_t comma = left.find(','); comma != std::string::npos; comma = left.find(',', begin)) {
    parsed.terms.push_back(left.substr(begin, comma - begin));
    begin = comma + 1;
  }
  parsed.terms.push_back(left.substr(begin));
  return parsed;
}

std::string ellipsis_labels(size_t rank) {
  std::string labels;
  for (size_t i = rank; i-- > 0;) labels += static_cast<char>('0' + i);
  return labels;
}

/// `term` with its ellipsis spelt out as `ellipsis` axes.
std::string expand(const std::string& term, size_t ellipsis) {
  std::string labels = term;
  const size_t at = term.find("...");
  if (at != std::string::npos) labels.replace(at, 3, ellipsis_labels(ellipsis));
  const bool valid =
      std::ranges::all_of(labels, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; });
  require(valid, ErrorCode::bad_file, "its equation has the term '{}'", term);
  return labels;
}

size_t ellipsis_rank(const std::string& term, size_t rank) {
  if (term.find("...") == std::string::npos) return 0;
  require(rank + 3 >= term.size() && rank + 3 - term.size() <= 10, ErrorCode::bad_file,
          "its term '{}' meets a tensor of rank {}", term, rank);
  return rank + 3 - term.size();
}

/// Without an arrow: the ellipsis, then the labels that occur once, in alphabetic order.
std::string implicit_result(const std::vector<Term>& terms, size_t ellipsis) {
  std::map<char, int> uses;
  for (const Term& term : terms) {
    for (const char label : term.labels) ++uses[label];
  }
  std::string result = ellipsis_labels(ellipsis);
  for (const auto& [label, count] : uses) {
    if (count == 1 && std::isalpha(static_cast<unsigned char>(label)) != 0) result += label;
  }
  return result;
}

class Contraction {
 public:
  explicit Contraction(Builder& builder) : b(builder) {}

  /// Records the extents of the term's labels; an extent of 1 broadcasts.
  void learn(const Term& term);
  /// The term with each label once: diagonals taken, axes that only broadcast dropped.
  Term simplified(Term term);
  /// The sum over `term`'s labels that are not in `kept`.
  Term summed(const Term& term, const std::string& kept);
  /// The product of two simplified terms, summed over the labels that are not in `kept`.
  Term product(const Term& left, const Term& right, const std::string& kept);
  /// The term with exactly the axes `labels`, repeated where a label is missing.
  Var arranged(const Term& term, const std::string& labels);

 private:
  int64_t count(const std::string& labels) const;
  Shape extents_of(const std::string& labels) const;
  Term diagonal(const Term& term, size_t first, size_t second);
  Var permuted(const Term& term, const std::string& labels);

  Builder& b;
  std::map<char, int64_t> extents_;
};

bool has(const std::string& labels, char label) { return labels.find(label) != std::string::npos; }

void Contraction::learn(const Term& term) {
  require(term.labels.size() == b.rank(term.value), ErrorCode::bad_file, "its term '{}' meets a tensor {}",
          term.labels, to_string(b.shape(term.value)));
  for (size_t i = 0; i < term.labels.size(); ++i) {
    const int64_t extent = b.shape(term.value)[i];
    int64_t& known = extents_.try_emplace(term.labels[i], 1).first->second;
    require(known == 1 || extent == 1 || known == extent, ErrorCode::bad_file,
            "its label '{}' stands for {} and {}", term.labels[i], known, extent);
    if (known == 1) known = extent;
  }
}

int64_t Contraction::count(const std::string& labels) const { return element_count(extents_of(labels)); }

Shape Contraction::extents_of(const std::string& labels) const {
  Shape shape;
  for (const char label : labels) shape.push_back(extents_.at(label));
  return shape;
}

/// Axes `first` and `second` become one: moved to the end and read as a row of d * d, every (d+1)th is on the
/// diagonal.
Term Contraction::diagonal(const Term& term, size_t first, size_t second) {
  Shape shape = b.shape(term.value), rest;
  require(shape[first] == shape[second], ErrorCode::bad_file, "its label '{}' stands for {} and {}",
          term.labels[first], shape[first], shape[second]);
  std::vector<int64_t> order;
  std::string labels;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i == first || i == second) continue;
    order.push_back(static_cast<int64_t>(i));
    labels += term.labels[i];
    rest.push_back(shape[i]);
  }
  const int64_t d = shape[first];
  order.insert(order.end(), {static_cast<int64_t>(first), static_cast<int64_t>(second)});
  rest.push_back(d * d);
  const Var rows = b.reshape(b.transpose(term.value, order), rest);
  std::vector<int64_t> steps(rest.size(), 1);
  steps.back() = d + 1;
  rest.back() = d;
  return {b.slice(rows, std::vector<int64_t>(rest.size(), 0), steps, rest), labels + term.labels[first]};
}

Term Contraction::simplified(Term term) {
  for (size_t i = 0; i < term.labels.size(); ++i) {
    const size_t second = term.labels.find(term.labels[i], i + 1);
    if (second == std::string::npos) continue;
    term = diagonal(term, i, second);
    i = static_cast<size_t>(-1);
  }
  Term kept{.value = term.value, .labels = {}};
  Shape shape;
  for (size_t i = 0; i < term.labels.size(); ++i) {
    const int64_t extent = b.shape(term.value)[i];
    if (extent != extents_.at(term.labels[i])) continue;  // 1, where another term has more
    shape.push_back(extent);
    kept.labels += term.labels[i];
  }
  kept.value = b.reshape(kept.value, shape);
  return kept;
}

Term Contraction::summed(const Term& term, const std::string& kept) {
  std::vector<int64_t> axes;
  std::string labels;
  for (size_t i = 0; i < term.labels.size(); ++i) {
    if (has(kept, term.labels[i]))
      labels += term.labels[i];
    else
      axes.push_back(static_cast<int64_t>(i));
  }
  return axes.empty() ? term : Term{b.sum(term.value, axes, false), labels};
}

Var Contraction::permuted(const Term& term, const std::string& labels) {
  std::vector<int64_t> order;
  for (const char label : labels) order.push_back(static_cast<int64_t>(term.labels.find(label)));
  return b.transpose(term.value, order);
}

Term Contraction::product(const Term& left, const Term& right, const std::string& kept) {
  const Term a = summed(left, kept + right.labels), c = summed(right, kept + left.labels);
  std::string shared, inner, rows, columns;
  for (const char label : a.labels) {
    if (!has(c.labels, label))
      rows += label;
    else if (has(kept, label))
      shared += label;
    else
      inner += label;
  }
  for (const char label : c.labels) {
    if (!has(a.labels, label)) columns += label;
  }
  const int64_t n = count(shared), i = count(rows), k = count(inner), j = count(columns);
  const Var x = permuted(a, shared + rows + inner), y = permuted(c, shared + inner + columns);
  // Without a sum the product is elementwise, which integers can do as well.
  const Var z = inner.empty() ? b.mul(b.reshape(x, {n, i, 1}), b.reshape(y, {n, 1, j}))
                              : b.matmul(b.reshape(x, {n, i, k}), b.reshape(y, {n, k, j}));
  const std::string labels = shared + rows + columns;
  return {b.reshape(z, extents_of(labels)), labels};
}

Var Contraction::arranged(const Term& term, const std::string& labels) {
  std::string present;
  Shape shape;
  for (const char label : labels) {
    const bool has_axis = has(term.labels, label);
    if (has_axis) present += label;
    shape.push_back(has_axis ? extents_.at(label) : 1);
  }
  return b.broadcast(b.reshape(permuted(term, present), shape), extents_of(labels));
}

void check_result(const std::string& result, const std::vector<Term>& terms) {
  for (size_t i = 0; i < result.size(); ++i) {
    const char label = result[i];
    const bool known = std::ranges::any_of(terms, [&](const Term& term) { return has(term.labels, label); });
    require(known && result.find(label, i + 1) == std::string::npos, ErrorCode::bad_file,
            "its equation's result names '{}' {}", label, known ? "twice" : "which no operand has");
  }
}

void lower_einsum(LowerContext& ctx) {
  const std::string text = ctx.string_attr("equation", "");
  const Equation equation = parse(text);
  require(ctx.input_count() == equation.terms.size(), ErrorCode::bad_file,
          "its equation '{}' has {} terms for {} inputs", text, equation.terms.size(), ctx.input_count());
  size_t ellipsis = 0;
  std::vector<Term> terms;
  Contraction contraction(ctx.b);
  for (size_t i = 0; i < equation.terms.size(); ++i) {
    const size_t own = ellipsis_rank(equation.terms[i], ctx.shape(i).size());
    terms.push_back({ctx.input(i), expand(equation.terms[i], own)});
    contraction.learn(terms.back());
    ellipsis = std::max(ellipsis, own);
  }
  const std::string result =
      equation.result ? expand(*equation.result, ellipsis) : implicit_result(terms, ellipsis);
  check_result(result, terms);
  for (Term& term : terms) term = contraction.simplified(std::move(term));
  Term total = terms[0];
  for (size_t i = 1; i < terms.size(); ++i) {
    std::string kept = result;  // labels that the result or a later term needs
    for (size_t later = i + 1; later < terms.size(); ++later) kept += terms[later].labels;
    total = contraction.product(total, terms[i], kept);
  }
  ctx.set(0, contraction.arranged(contraction.summed(total, result), result));
}

}  // namespace

std::vector<OpDef> einsum_ops() { return {{"", "Einsum", {12, 28}, lower_einsum, RelevanceClass::bilinear}}; }

}  // namespace onnxray
