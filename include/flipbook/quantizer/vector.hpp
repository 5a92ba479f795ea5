// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/distributed/collectives.hpp>
#include <flipbook/ops/elementwise/straight_through.hpp>
#include <flipbook/ops/elementwise/where.hpp>
#include <flipbook/ops/embedding/embedding.hpp>
#include <flipbook/ops/matmul/matmul.hpp>
#include <flipbook/ops/reduce/max.hpp>
#include <flipbook/ops/reduce/per_sample.hpp>
#include <flipbook/ops/scan/arange.hpp>
#include <flipbook/quantizer/quantizer.hpp>

namespace flipbook::inline FLIPBOOK_ISA::quantizer {

/// How a codebook is learned; a template argument, written `VectorOptions{.decay = 0.9}`.
struct VectorOptions {
  double commitment = 0.25;  ///< weight of β ‖z − e‖²
  double decay = 0.99;       ///< of the moving averages
  double epsilon = 1e-5;     ///< added to each code's count before the division
  /// A code whose moving-average count is below this fraction of the mean number of vectors per code restarts at a
  /// vector of the batch; 0 disables restarts.
  double revive = 0.03;
};

/// Vector quantization: z is replaced by the nearest of `Codes` vectors, with a commitment loss β ‖z − e‖². At each
/// training step the vectors follow the means of the z assigned to them, by moving averages:
///
///     nₖ ← γ nₖ + (1 − γ) #{z of code k},   mₖ ← γ mₖ + (1 − γ) Σ {z of code k},   eₖ = mₖ / nₖ
///
/// Before the first step all counts are 0, so all vectors start at vectors of the first batch. A codebook that is
/// called several times in a step follows the last call. If several ranks train together, the batch is that of all
/// ranks. Van den Oord et al., Neural discrete representation learning, 2017; restarts of dead codes after Dhariwal et
/// al., Jukebox, 2020.
template <int Codes, int Size, VectorOptions O = VectorOptions{}>
struct Vector {
  static_assert(Codes > 0 && Size > 0, "Vector<Codes, Size>: both must be positive");
  static constexpr int size = Size, codes = Codes;
  static constexpr bool nearest = true;  ///< z′ approximates z
  static constexpr double commitment = O.commitment;

  template <Real T, class B>
  struct Instance {
    using Indices = Tensor<std::int32_t, B>;

    Buffer<T, B> codebook;  // (Codes, Size)
    Buffer<T, B> counts;    // (Codes), moving averages nₖ
    Buffer<T, B> sums;      // (Codes, Size), moving averages mₖ

    explicit Instance(Rng& rng)
        : codebook{normal<T, B>({Codes, Size}, rng)}, counts{zeros<T, B>({Codes})}, sums{zeros<T, B>({Codes, Size})} {}
    static void fields(auto& self, auto&& field) {
      field("codebook", self.codebook);
      field("counts", self.counts);
      field("sums", self.sums);
    }

    /// @throws Error  unless z is (N, …, Size)
    template <Value X>
    Quantized<X> quantize(const X& z) const {
      detail::require_size("Vector", z.shape(), Size);
      const Tensor<T, B> vectors = tensor_of(z).reshape({-1, Size});  // (M, Size)
      Book book = current();
      if constexpr (training<X>) {
        if (z.tape().training()) book = revived(book, vectors, z.tape().rng());
      }
      const Indices chosen = nearest_of(book.vectors, vectors);                           // (M)
      const Tensor<T, B> found = GatherRows<B>{chosen}(book.vectors).reshape(z.shape());  // (N, …, Size)
      if constexpr (training<X>) {
        if (z.tape().training()) follow(z.tape(), book, vectors, chosen);
      }
      return {straight_through(found, z), chosen.reshape(z.shape().part(0, z.rank() - 1)),
              sum_per_sample(square(z - found)) * O.commitment};
    }
    /// @throws Error  if a code is outside 0 … Codes − 1
    Tensor<T, B> decode(const Indices& which) const { return embedding(codebook.value, which); }

    /// A codebook used by a step, in one call or, with the functions below, in several.
    struct Book {
      Tensor<T, B> vectors, counts, sums;  ///< as the buffers
    };
    /// The current codebook, from the buffers.
    Book current() const { return {codebook.value, counts.value, sums.value}; }
    /// The index of the nearest codebook vector for each vector, (M, Size) → (M).
    static Indices nearest_of(const Tensor<T, B>& book, const Tensor<T, B>& vectors) {
      // The minimum of ‖z − e‖² = ‖z‖² − 2 z·e + ‖e‖² is that of the terms that depend on e.
      const Tensor<T, B> lengths = sum(square(book), {1}, true);  // (Codes)
      return argmin(lengths - matmul(vectors, transpose(book)) * 2, -1);
    }
    /// The codebook with dead codes replaced by some of these vectors (M, Size). One vector is drawn from each of
    /// `Codes` equal parts of the batch, so that they differ. The batch is that of all ranks; each passes its own
    /// vectors.
    static Book revived(const Book& book, const Tensor<T, B>& vectors, Rng& rng) {
      if (O.revive <= 0) return book;
      using W = Wide<T>;
      const distributed::Communicator& ranks = distributed::world();
      const double here = static_cast<double>(vectors.extent(0)), before = here * ranks.rank();
      const double share = here * ranks.size() / Codes;
      Rng alike = rng.of_all_parts();
      const Tensor<W, B> place = (arange<W, B>(Codes) + uniform<W, B>({Codes}, alike)) * share;
      rng.skip(alike.position() - rng.position());
      const Tensor<W, B> row = clamp(round(place - 0.5), 0, here * ranks.size() - 1) - before;  // (Codes)
      const Tensor<W, B> near = clamp(row, 0, here - 1), elsewhere = clamp(abs(row - near), 0, 1);
      const Tensor<T, B> found = GatherRows<B>{cast<std::int32_t>(near)}(vectors);  // (Codes, Size)
      const Tensor<T, B> drawn = sum_over_ranks(found * cast<T>(1 - elsewhere).reshape({Codes, 1}));
      const Tensor<T, B> dead = less(book.counts, O.revive * share), rows = dead.reshape({Codes, 1});
      return {where(rows, drawn, book.vectors), masked_fill(book.counts, dead, share),
              where(rows, drawn * share, book.sums)};
    }
    /// Records on the tape an update of the codebook: `book`, moved towards the vectors (M, Size) with codes (M).
    void follow(Tape& tape, const Book& book, const Tensor<T, B>& vectors, const Indices& chosen) const {
      const auto change = [next = moved(book, vectors, chosen), now = current()]() mutable {
        const auto copy = [](Tensor<T, B>& to, const Tensor<T, B>& from) {
          B::copy(to.data(), from.data(), static_cast<std::size_t>(to.size()) * sizeof(T));
        };
        copy(now.vectors, next.vectors), copy(now.counts, next.counts), copy(now.sums, next.sums);
      };
      tape.defer(change, codebook, counts, sums);
    }

   private:
    static Book moved(const Book& book, const Tensor<T, B>& vectors, const Indices& chosen) {
      const AddRows<B> gather{chosen, Codes};
      const auto mixed = [](const Tensor<T, B>& old, const Tensor<T, B>& now) {
        return old * O.decay + now * (1 - O.decay);
      };
      const auto all = [&](const Tensor<T, B>& rows) { return sum_over_ranks(gather(rows)); };
      const Tensor<T, B> counts = mixed(book.counts, all(ones<T, B>({vectors.extent(0), 1})).reshape({Codes}));
      const Tensor<T, B> sums = mixed(book.sums, all(vectors)), total = sum(counts);
      const Tensor<T, B> smooth = (counts + O.epsilon) / (total + Codes * O.epsilon) * total;  // with the same sum
      return {sums / smooth.reshape({Codes, 1}), counts, sums};
    }
  };
};

}  // namespace flipbook::quantizer
