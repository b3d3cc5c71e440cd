// Dropout inside other kernels, a vector of columns at a time; included once for each instruction set.
//
//   const DropoutRow<FloatTag> drop(dropout, row);
//   drop.for_each_vector(chunk, [&](std::size_t at, auto kept) HWY_ATTR {  // columns 128 chunk + at, at + 1, ...
//     y = drop.apply(kept, x);                                             // x * scale or 0
//   });
//
// or, where the loop over columns is not this one, `drop.store(chunk, factors)` once for each 128 columns.
#if defined(SPANQA_NN_KERNELS_DROPOUT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SPANQA_NN_KERNELS_DROPOUT_INL_H_
#undef SPANQA_NN_KERNELS_DROPOUT_INL_H_
#else
#define SPANQA_NN_KERNELS_DROPOUT_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "nn/kernels/dropout.h"

HWY_BEFORE_NAMESPACE();
namespace spanqa {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// One row's dropout for vectors of D, a tag of float32 with at most 16 lanes. Making one is cheap; keep it for a row.
///
/// A vector of L lanes runs L blocks of the generator at once, and the 16 blocks of a chunk are 16 / L parts. The even
/// and the odd blocks live in vectors of their own, a 32-bit word in the low half of 64 bits, where a product leaves
/// its low half in place and its high half a shift away; what is left in the upper halves no product reads.
template <class D>
class DropoutRow {
  using WordTag = hn::RebindToUnsigned<D>;
  using IntTag = hn::RebindToSigned<D>;
  using Float = hn::Vec<D>;
  using Word = hn::Vec<WordTag>;
  using Kept = hn::Mask<D>;

 public:
  static constexpr std::size_t kChunk = 128;
  static constexpr std::size_t kLanes = hn::MaxLanes(D());
  static constexpr std::size_t kParts = 16 / kLanes;
  static_assert(kParts >= 1, "a chunk has 16 blocks");

  HWY_INLINE DropoutRow(const Dropout& dropout, std::uint32_t row)
      : row_(row),
        stream_{static_cast<std::uint32_t>(dropout.stream), static_cast<std::uint32_t>(dropout.stream >> 32U)},
        seed_{static_cast<std::uint32_t>(dropout.seed), static_cast<std::uint32_t>(dropout.seed >> 32U)},
        last_dropped_(hn::Set(IntTag(), static_cast<std::int32_t>(dropout.threshold) - 1)),
        scale_(hn::Set(D(), dropout.scale)) {}

  /// The output of kLanes blocks: words[w] decides about columns 32 w + kLanes part + lane of the chunk by its low
  /// halves and about columns 32 w + 16 + kLanes part + lane by its high halves.
  struct Words {
    Word words[4];
  };
  HWY_INLINE Words words(std::size_t chunk, std::size_t part) const;

  HWY_INLINE Kept low_kept(Word word) const { return kept(hn::And(word, hn::Set(WordTag(), 0xFFFFU))); }
  HWY_INLINE Kept high_kept(Word word) const { return kept(hn::ShiftRight<16>(word)); }

  /// x * scale where kept, else 0.
  HWY_INLINE Float apply(Kept kept, Float x) const { return hn::IfThenElseZero(kept, hn::Mul(x, scale_)); }

  /// visit(at, kept) for the kLanes columns from 128 chunk + at on, for every vector of the chunk, at = 0 first for one
  /// part and ascending within a part.
  template <class Visit>
  HWY_INLINE void for_each_vector(std::size_t chunk, const Visit& visit) const {
    for (std::size_t part = 0; part < kParts; ++part) {
      const Words all = words(chunk, part);
      for (std::size_t w = 0; w < 4; ++w) {
        visit(32 * w + kLanes * part, low_kept(all.words[w]));
        visit(32 * w + 16 + kLanes * part, high_kept(all.words[w]));
      }
    }
  }

  /// factors[i] = scale or 0 for the chunk's 128 columns; `factors` is aligned to a vector.
  HWY_INLINE void store(std::size_t chunk, float* HWY_RESTRICT factors) const {
    for_each_vector(chunk, [&](std::size_t at, Kept kept)
                               HWY_ATTR { hn::Store(hn::IfThenElseZero(kept, scale_), D(), factors + at); });
  }

 private:
  // 16-bit numbers in 32-bit lanes: the signed comparison, cheaper on some instruction sets, is as good.
  HWY_INLINE Kept kept(Word number) const {
    return hn::RebindMask(D(), hn::Gt(hn::BitCast(IntTag(), number), last_dropped_));
  }

  std::uint32_t row_;
  std::uint32_t stream_[2];
  std::uint32_t seed_[2];
  hn::Vec<IntTag> last_dropped_;
  Float scale_;
};

#if HWY_TARGET == HWY_SCALAR
template <class D>
HWY_INLINE typename DropoutRow<D>::Words DropoutRow<D>::words(std::size_t chunk, std::size_t part) const {
  const auto out = philox4x32<kDropoutRounds>(
      {static_cast<std::uint32_t>(chunk * 16 + part), row_, stream_[0], stream_[1]}, {seed_[0], seed_[1]});
  return {
      {hn::Set(WordTag(), out[0]), hn::Set(WordTag(), out[1]), hn::Set(WordTag(), out[2]), hn::Set(WordTag(), out[3])}};
}
#else
/// A counter of Philox for half as many blocks as a vector has 32-bit lanes.
template <class WordTag>
struct PhiloxVector {
  using WideTag = hn::Repartition<std::uint64_t, WordTag>;
  using Wide = hn::Vec<WideTag>;
  Wide c0, c1, c2, c3;

  HWY_INLINE void round(Wide multiplier0, Wide multiplier1, Wide key0, Wide key1) {
    const Wide product0 = hn::MulEven(hn::BitCast(WordTag(), c0), hn::BitCast(WordTag(), multiplier0));
    const Wide product1 = hn::MulEven(hn::BitCast(WordTag(), c2), hn::BitCast(WordTag(), multiplier1));
    c0 = hn::Xor3(hn::ShiftRight<32>(product1), c1, key0);
    c1 = product1;
    c2 = hn::Xor3(hn::ShiftRight<32>(product0), c3, key1);
    c3 = product0;
  }
};

template <class D>
HWY_INLINE typename DropoutRow<D>::Words DropoutRow<D>::words(std::size_t chunk, std::size_t part) const {
  const typename PhiloxVector<WordTag>::WideTag wide;
  const auto set = [&](std::uint32_t word) HWY_ATTR { return hn::Set(wide, std::uint64_t{word}); };
  // Lane l of the word vectors is block l: the even ones' counters go 0, 2, 4, ...; a chunk's first is a multiple
  // of 16.
  const auto first = hn::Add(set(static_cast<std::uint32_t>(chunk * 16 + part * kLanes)),
                             hn::ShiftLeft<1>(hn::Iota(wide, std::uint64_t{0})));
  PhiloxVector<WordTag> even{first, set(row_), set(stream_[0]), set(stream_[1])};
  PhiloxVector<WordTag> odd{hn::Add(first, set(1)), even.c1, even.c2, even.c3};
  std::uint32_t key0 = seed_[0];
  std::uint32_t key1 = seed_[1];
  for (int round = 0; round < kDropoutRounds; ++round) {
    even.round(set(kPhiloxMultipliers[0]), set(kPhiloxMultipliers[1]), set(key0), set(key1));
    odd.round(set(kPhiloxMultipliers[0]), set(kPhiloxMultipliers[1]), set(key0), set(key1));
    key0 += kPhiloxKeySteps[0];
    key1 += kPhiloxKeySteps[1];
  }
  const auto zip = [&](auto a, auto b) HWY_ATTR {
    return hn::OddEven(hn::BitCast(WordTag(), hn::ShiftLeft<32>(b)), hn::BitCast(WordTag(), a));
  };
  return {{zip(even.c0, odd.c0), zip(even.c1, odd.c1), zip(even.c2, odd.c2), zip(even.c3, odd.c3)}};
}
#endif

/// out[c] = x[c] * scale or 0 for the `width` columns of one row; `out` may be `x`.
template <class D>
HWY_INLINE void drop_row(D d, const Dropout& dropout, std::uint32_t row, std::size_t width, const float* x,
                         float* out) {
  constexpr std::size_t kChunk = DropoutRow<D>::kChunk;
  const DropoutRow<D> drop(dropout, row);
  std::size_t c = 0;
  for (; c + kChunk <= width; c += kChunk) {
    drop.for_each_vector(c / kChunk, [&](std::size_t at, auto kept) HWY_ATTR {
      hn::StoreU(drop.apply(kept, hn::LoadU(d, x + c + at)), d, out + c + at);
    });
  }
  if (c == width) return;
  HWY_ALIGN float factors[kChunk];
  drop.store(c / kChunk, factors);
  for (std::size_t i = 0; c + i < width; ++i) out[c + i] = factors[i] == 0.0F ? 0.0F : x[c + i] * factors[i];
}

}  // namespace HWY_NAMESPACE
}  // namespace spanqa
HWY_AFTER_NAMESPACE();
#endif
