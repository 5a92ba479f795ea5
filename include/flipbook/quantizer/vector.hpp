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
  double epsilon = 1e-5;     ///< vectors that every code has for certain, in the division by their number
  /// A code that fewer vectors have chosen of late than this part of their mean over all codes is put where a vector
  /// of the batch is; 0: never.
  double revive = 0.03;
};

/// Vector quantization: z becomes the nearest of `Codes` vectors, and is drawn to it by a loss β ‖z − e‖². The vectors
/// follow the means of what chose them by moving averages, with the step:
///
///     nₖ ← γ nₖ + (1 − γ) #{z of code k},   mₖ ← γ mₖ + (1 − γ) Σ {z of code k},   eₖ = mₖ / nₖ
///
/// Before the first step no code has been chosen, so all begin where vectors of the first batch are. A codebook that
/// is called several times in a step follows the last call. Where several ranks train together, the vectors are those
/// of all of them. Van den Oord et al., Neural discrete representation
/// learning, 2017; codes that die begin again after Dhariwal et al., Jukebox, 2020.
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
    Buffer<T, B> counts;    // (Codes), of the vectors that chose each
    Buffer<T, B> sums;      // (Codes, Size), of these vectors

    explicit Instance(Rng& rng)
        : codebook{normal<T, B>({Codes, Size}, rng)}, counts{zeros<T, B>({Codes})}, sums{zeros<T, B>({Codes, Size})} {}
    static void fields(auto& self, auto&& field) {
      field("codebook", self.codebook);
      field("counts", self.counts);
      field("sums", self.sums);
    }

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
    /// @throws Error  if a code is not of 0 … Codes − 1
    Tensor<T, B> decode(const Indices& which) const { return embedding(codebook.value, which); }

    /// A codebook that a step codes with, in one call or, by the functions below, in several.
    struct Book {
      Tensor<T, B> vectors, counts, sums;  ///< as the buffers
    };
    /// The codebook as the buffers hold it.
    Book current() const { return {codebook.value, counts.value, sums.value}; }
    /// Which vector of a book is nearest to each, (M, Size) → (M).
    static Indices nearest_of(const Tensor<T, B>& book, const Tensor<T, B>& vectors) {
      // The least ‖z − e‖² = ‖z‖² − 2 z·e + ‖e‖² is the least of the terms that depend on e.
      const Tensor<T, B> lengths = sum(square(book), {1}, true);  // (Codes)
      return argmin(lengths - matmul(vectors, transpose(book)) * 2, -1);
    }
    /// The book with codes that have died where some of these vectors are, (M, Size): drawn one from each of as many
    /// equal parts of the batch, so that they differ. The batch is that of all ranks, of which each gives its vectors.
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
    /// With the step, the codebook is the book moved towards the vectors (M, Size) that chose its codes (M).
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
      const Tensor<T, B> smooth = (counts + O.epsilon) / (total + Codes * O.epsilon) * total;  // of the same sum
      return {sums / smooth.reshape({Codes, 1}), counts, sums};
    }
  };
};

}  // namespace flipbook::quantizer
