#ifdef ONNXRAY_XBYAK

#include "backends/onednn/chain_assembler.h"

// The functions of vector_math.h as instructions, with the same polynomials.
namespace onnxray::onednn {

using Xbyak::Zmm;

/// y = (c_0 x + c_1) x + c_2 ...
void ChainAssembler::polynomial(const Zmm& y, const Zmm& x, std::initializer_list<double> coefficients) {
  const double* c = coefficients.begin();
  fill(y, *c);
  while (++c != coefficients.end()) vfmadd213ps(y, x, number(*c));
}

/// e^x = 2^n e^r with n = round(x / ln 2) and |r| <= ln 2 / 2.
void ChainAssembler::exp(const Zmm& y, const Zmm& x) {
  const Zmm n = temporary(), r = temporary(), bound = temporary();
  // Where x is NaN, the second operand comes out.
  fill(bound, -104);
  vmaxps(r, bound, x);
  fill(bound, 89);
  vminps(r, bound, r);
  vmulps(n, r, number(1.44269504));
  vrndscaleps(n, n, kNearest);
  vfnmadd231ps(r, n, number(0.693359375));
  vfnmadd231ps(r, n, number(-2.12194440e-4));
  polynomial(y, r, {1.381459639e-3, 8.368717091e-3, 4.166838809e-2, 1.666652063e-1, 4.999999345e-1, 1, 1});
  vscalefps(y, y, n);
}

/// 1 / (1 + e^-|x|), times e^-|x| below 0.
void ChainAssembler::sigmoid(const Zmm& y, const Zmm& x) {
  const Zmm e = temporary();
  vpord(y, x, number(-0.0));
  exp(e, y);
  fill(y, 1);
  vcmpps(kScratchA, x, kZero, kLess);
  vmovaps(y | kScratchA, e);
  vaddps(e, e, number(1));
  vdivps(y, y, e);
}

void ChainAssembler::tanh(const Zmm& y, const Zmm& x) {
  const Zmm t = temporary(), size = temporary(), far = temporary();
  vpandd(size, x, number(kAllButSign));
  vaddps(t, size, size);
  exp(far, t);
  vaddps(far, far, number(1));
  fill(t, -2);
  vdivps(far, t, far);
  vaddps(far, far, number(1));  // 1 - 2 / (e^2|x| + 1)
  vmulps(t, x, x);
  polynomial(
      y, t,
      {2.231061051e-3, -8.267087550e-3, 2.173443838e-2, -5.395247532e-2, 1.333324779e-1, -3.333333178e-1});
  vmulps(y, y, t);
  vfmadd213ps(y, size, size);  // |x| + |x| t p
  vcmpps(kScratchA, size, number(0.6), kLess);
  vblendmps(y | kScratchA, far, y);
  vpandd(t, x, number(-0.0));
  vpord(y, y, t);
}

/// Near 0 a polynomial; from 1 on erf x = 1 - e^-Q(x).
void ChainAssembler::erf(const Zmm& y, const Zmm& x) {
  const Zmm t = temporary(), size = temporary(), near = temporary(), far = temporary();
  vmulps(t, x, x);
  polynomial(near, t,
             {-9.680135830e-6, 1.127054431e-4, -8.484711426e-4, 5.221074877e-3, -2.686544582e-2,
              1.128378275e-1, -3.761263848e-1, 1.128379167});
  vmulps(near, near, x);
  vpandd(size, x, number(kAllButSign));
  fill(far, 4);  // erf 4 rounds to 1
  vminps(t, far, size);
  polynomial(far, t,
             {-1.793356415e-4, 2.878256565e-3, -2.155972129e-2, 1.025247505e-1, 6.388145467e-1, 1.126686701,
              4.403236534e-4});
  vpxord(t, far, number(-0.0));
  exp(far, t);
  fill(t, 1);
  vsubps(far, t, far);
  vpandd(t, x, number(-0.0));
  vpord(far, far, t);
  vcmpps(kScratchA, size, number(1), kLess);
  vblendmps(y | kScratchA, far, near);
}

}  // namespace onnxray::onednn

#endif
