# SPDX-License-Identifier: MIT
"""Layers drawn at random: each is a kind and its settings, written as one line, such as

    dense n=4 c=64,128 x=8,16,16 k=3,3,3 s=1,1,1 d=1,1,1 p=1,1,1 g=1      a convolution: batch, channels in and out,
                          extents, kernel, stride, dilation, padding and groups; o=…: output padding, if transposed
    matmul b=1 m=512 n=256 k=256                                          b products (m, k) · (k, n)
    attention n=2 h=8 q=1024 k=1024 w=64 causal=1                         batch, heads, queries, keys, width of a head
    sampling n=4 c=16 x=96,128 y=48,64 padding=1 aligned=0                grid_sample: batch, channels, extents of
                          pictures and of samples, the place of the padding mode in PyTorch's list, align_corners
"""
import math
import random

CONVOLUTIONS = ("dense", "grouped", "depthwise", "transposed", "factorised")
KINDS = (*CONVOLUTIONS, "matmul", "attention", "sampling")
# In a list of layers these kinds follow each other, so that a part of a list has about as many of each. Sampling is
# measured only where it is asked for.
ORDER = ("dense", "transposed", "matmul", "dense", "grouped", "attention", "dense", "factorised", "depthwise",
         "dense", "transposed", "matmul")
DIRECTIONS = ("forward", "input gradient", "weight gradient")
LEAST, MOST = 10e6, 20e9  # operations of a layer
LEAST_SAMPLING = 10e4     # of which one takes longer
MOST_DEPTHWISE = 1e9      # of which PyTorch's 3-D kernels take seconds
LARGEST = 2 ** 24         # numbers in a tensor
SCORES = 2 ** 26          # numbers in the scores of attention, which PyTorch has in memory


class Spec:
    def __init__(self, kind, **settings):
        self.kind, self.settings = kind, settings
        if kind in CONVOLUTIONS:
            axes = len(settings["x"])
            for key, usual in (("s", 1), ("d", 1), ("p", 0), ("o", 0)):
                settings.setdefault(key, (usual,) * axes)
            settings.setdefault("g", (1,))

    @staticmethod
    def parsed(line):
        kind, *words = line.split()
        if kind not in KINDS:
            raise ValueError(f"no kind of layer '{kind}'; there are {', '.join(KINDS)}")
        return Spec(kind, **{key: tuple(map(int, numbers.split(","))) for key, numbers in
                             (word.split("=") for word in words)})

    def __str__(self):
        left_out = () if self.kind == "transposed" else ("o",)
        words = (f"{key}={','.join(map(str, numbers))}" for key, numbers in self.settings.items()
                 if key not in left_out)
        return " ".join((self.kind, *words))

    def __getattr__(self, key):
        """Settings of one number as a number, of several as a tuple."""
        numbers = self.settings[key]
        several = {"sampling": "xy"}.get(self.kind, "cxksdpo" if self.kind in CONVOLUTIONS else "")
        return numbers if key in several else numbers[0]

    def outputs(self):
        """Extents of a convolution's output."""
        reach = [d * (k - 1) + 1 for d, k in zip(self.d, self.k)]
        if self.kind == "transposed":
            return tuple((x - 1) * s - 2 * p + r + o for x, s, p, r, o in zip(self.x, self.s, self.p, reach, self.o))
        return tuple((x + 2 * p - r) // s + 1 for x, s, p, r in zip(self.x, self.s, self.p, reach))

    def sizes(self):
        """How many numbers the input, the weights and the output have."""
        if self.kind == "matmul":
            return self.b * self.m * self.k, self.b * self.k * self.n, self.b * self.m * self.n
        if self.kind == "attention":
            one = self.n * self.h * self.w
            return one * self.q, 2 * one * self.k, one * self.q
        if self.kind == "sampling":
            samples = self.n * math.prod(self.y)
            return self.n * math.prod(self.x) * self.c, 2 * samples, samples * self.c
        inputs, outputs = self.c
        return (self.n * math.prod(self.x) * inputs, math.prod(self.k) * inputs * outputs // self.g,
                self.n * math.prod(self.outputs()) * outputs)

    def operations(self, direction="forward"):
        """Multiplications and additions of the definition; border or not."""
        if self.kind == "matmul":
            return 2 * self.b * self.m * self.n * self.k
        if self.kind == "attention":  # that a backward pass computes the scores again is not counted
            seen = self.q * (self.q + 1) // 2 if self.causal else self.q * self.k
            return (4 if direction == "forward" else 8) * self.n * self.h * seen * self.w
        if self.kind == "sampling":  # four corners forward, and in either gradient
            return 8 * self.n * math.prod(self.y) * self.c * (1 if direction == "forward" else 2)
        inputs, outputs = self.c
        positions = self.x if self.kind == "transposed" else self.outputs()
        return 2 * self.n * math.prod(positions) * math.prod(self.k) * inputs * outputs // self.g

    def intensity(self, direction):
        """Operations for each byte that must at least be read or written."""
        x, w, y = self.sizes()
        moved = 2 * (x + w + y) if len(self.directions()) == 2 and direction != "forward" else x + w + y
        return self.operations(direction) / (4 * moved)

    def directions(self):
        """In the input gradient of two are those in all operands."""
        return DIRECTIONS[:2] if self.kind in ("attention", "sampling") else DIRECTIONS

    def fits(self):
        most = MOST_DEPTHWISE if self.kind == "depthwise" else MOST
        least = LEAST_SAMPLING if self.kind == "sampling" else LEAST
        if not least <= self.operations() <= most or max(self.sizes()) > LARGEST:
            return False
        if self.kind == "attention":
            return self.n * self.h * self.q * self.k <= SCORES
        return self.kind not in CONVOLUTIONS or min(self.outputs()) >= 1


def about(rng, least, most):
    """A number whose logarithm is uniform."""
    return round(math.exp(rng.uniform(math.log(least), math.log(most))))


def channels(rng):
    """Of input and output: two times of three as networks have them, multiples of 8 to 32 or three, otherwise any."""
    numbers = [about(rng, 3, 512) for _ in range(2)]
    if rng.random() < 2 / 3:
        multiples = [rng.choice((8, 16, 16, 32)) for _ in numbers]
        numbers = [max(1, round(n / multiple)) * multiple for n, multiple in zip(numbers, multiples)]
        if rng.random() < 0.1:
            numbers[rng.randrange(2)] = 3
    return numbers


def convolution(rng, kind):
    axes = rng.choice((2, 3)) if kind == "factorised" else rng.choice((1, 2, 2, 3, 3))
    kernel = [rng.choice((1, 2, 3, 3, 3, 4, 5, 7))] * axes
    if kind == "factorised":
        taps = max(kernel[0], 2)
        kernel = rng.choice(([taps, 1], [1, taps]) if axes == 2 else ([1, taps, taps], [taps, 1, 1]))
    elif rng.random() < 0.15:
        kernel[0] = rng.randint(1, 7)
    stride = [rng.choice((2, 2, 2, 3, 1) if kind == "transposed" else (1, 1, 1, 1, 2, 2, 3))] * axes
    stride = [min(s, k) for s, k in zip(stride, kernel)]  # every pixel is seen
    dilated, same = rng.random() < 0.1, rng.random() < 0.8
    dilation = [2 if dilated and k > 1 else 1 for k in kernel]
    padding = [d * (k - 1) // 2 if same else 0 for d, k in zip(dilation, kernel)]
    extents = [about(rng, 4, 64 if axes == 3 else 128)] * axes
    if axes == 3 or rng.random() < 0.2:
        extents[0] = about(rng, 4, 32 if axes == 3 else 128)
    (inputs, outputs), groups = channels(rng), 1
    if kind == "depthwise":
        groups = inputs
        outputs = inputs * rng.choice((1, 1, 1, 2))
    elif kind == "grouped":
        groups = rng.choice((2, 3, 4, 8, 16, 32))
        inputs, outputs = (max(2, round(c / groups)) * groups for c in (inputs, outputs))
    settings = dict(n=(about(rng, 1, 64),), c=(inputs, outputs), x=tuple(extents), k=tuple(kernel), s=tuple(stride),
                    d=tuple(dilation), p=tuple(padding), g=(groups,))
    if kind == "transposed":
        settings["o"] = tuple(rng.randint(0, s - 1) if rng.random() < 0.3 else 0 for s in stride)
    return Spec(kind, **settings)


def matmul(rng):
    shape = rng.choice(("any", "thin", "tall", "small", "batched"))
    b, m, n, k = 1, about(rng, 64, 2048), about(rng, 64, 2048), about(rng, 64, 2048)
    if shape == "thin":
        m, n, k = about(rng, 1, 32), about(rng, 256, 4096), about(rng, 256, 4096)
    elif shape == "tall":
        m, n, k = about(rng, 4096, 65536), about(rng, 3, 128), about(rng, 3, 256)
    elif shape == "small":
        b, m, n, k = about(rng, 64, 4096), *(about(rng, 4, 64) for _ in range(3))
    elif shape == "batched":
        b, m, n, k = about(rng, 2, 64), *(about(rng, 32, 512) for _ in range(3))
    return Spec("matmul", b=(b,), m=(m,), n=(n,), k=(k,))


def attention(rng):
    queries = keys = about(rng, 16, 4096)
    causal = rng.random() < 0.5
    if not causal and rng.random() < 0.6:
        keys = about(rng, 16, 4096)
    width = rng.choice((16, 24, 32, 32, 40, 64, 64, 80, 96, 128))
    return Spec("attention", n=(about(rng, 1, 16),), h=(about(rng, 1, 16),), q=(queries,), k=(keys,), w=(width,),
                causal=(int(causal),))


def sampling(rng):
    extents = [about(rng, 4, 256) for _ in range(2)]
    samples = extents if rng.random() < 0.5 else [about(rng, 4, 256) for _ in range(2)]
    return Spec("sampling", n=(about(rng, 1, 16),),
                c=(rng.choice((1, 1, 2, 3, 3, 4, 8, 16, 32, 64, about(rng, 1, 128))),),
                x=tuple(extents), y=tuple(samples), padding=(rng.randrange(3),), aligned=(rng.randrange(2),))


OTHERS = {"matmul": matmul, "attention": attention, "sampling": sampling}


def layers(count, seed, only=None):
    """The first `count` layers of a seed, of every kind or of one."""
    drawn = {kind: random.Random(f"{seed} {kind}") for kind in KINDS}
    order = (only,) if only else ORDER
    for i in range(count):
        kind = order[i % len(order)]
        rng = drawn[kind]
        while True:
            spec = OTHERS.get(kind, lambda r: convolution(r, kind))(rng)
            if spec.fits():
                break
        yield spec
