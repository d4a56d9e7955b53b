"""Random numbers keyed by who, what for and the how-manieth (T12), and the laws they feed.

Every number is a pure function of (seed, replication, patient, purpose, n): block `n` of the counter-based
generator Philox4x64-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"),
bit-identical to `numpy.random.Philox`. Engines call the scalar functions here for every logarithm,
exponential and quantile, so that both see the same bits.
"""

import hashlib
import math
from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import binding, ir
from numba import njit, types, uint64
from numba.extending import get_cython_function_address, intrinsic

# SciPy's own compiled functions, linked by symbol name so that compiled code can be cached on disk.
binding.add_symbol("configurator_normal_quantile", get_cython_function_address("scipy.special.cython_special", "ndtri"))
binding.add_symbol(
    "configurator_gamma_quantile", get_cython_function_address("scipy.special.cython_special", "gammaincinv")
)
_normal_quantile = types.ExternalFunction("configurator_normal_quantile", types.float64(types.float64))
_gamma_quantile = types.ExternalFunction("configurator_gamma_quantile", types.float64(types.float64, types.float64))


class Law(IntEnum):
    """Codes of the duration laws; a, b, c are their parameters, in the instance's time unit."""

    BY_DESTINATION = -2  # drawn with the destination, on entry
    ENDLESS = -1
    FIXED = 0  # a
    EXPONENTIAL = 1  # a: mean
    LOGNORMAL = 2  # a, b: mean and standard deviation of the logarithm
    NORMAL = 3  # a: mean, b: standard deviation; cut at 0
    UNIFORM = 4  # a: low, b: high
    TRIANGULAR = 5  # a: low, b: mode, c: high
    GAMMA = 6  # a: shape, b: scale
    WEIBULL = 7  # a: shape, b: scale
    HYPEREXPONENTIAL = 8  # a: probability of the first mean, b: first mean, c: second mean


def purpose(*words: str) -> int:
    """Return the 64-bit key of a purpose or of a (zone, profile): a hash of its words."""
    return int.from_bytes(hashlib.blake2b("\x1f".join(words).encode(), digest_size=8).digest(), "little")


def purposes(kind: str, names: Sequence[str]) -> npt.NDArray[np.uint64]:
    """Return the keys of many purposes of one kind."""
    return np.array([purpose(kind, name) for name in names], dtype=np.uint64)


_M0, _M1 = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_W0, _W1 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)


@intrinsic
def _product(typing_context: object, a: object, b: object) -> tuple[object, object]:
    """Return the upper and the lower 64 bits of a product: one machine instruction for both."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:  # noqa: ANN401
        wide, half = ir.IntType(128), ir.IntType(64)
        product = builder.mul(*(builder.zext(argument, wide) for argument in arguments))
        parts = builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), half), builder.trunc(product, half)
        return context.make_tuple(builder, signature.return_type, parts)

    return types.UniTuple(types.uint64, 2)(types.uint64, types.uint64), generate


@njit(cache=True)
def philox(
    key0: np.uint64, key1: np.uint64, c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Return the four 64-bit words of one Philox4x64-10 block."""
    for _ in range(10):
        high0, low0 = _product(_M0, c0)
        high1, low1 = _product(_M1, c2)
        c0, c1, c2, c3 = high1 ^ c1 ^ key0, low1, high0 ^ c3 ^ key1, low0
        key0 = key0 + _W0
        key1 = key1 + _W1
    return c0, c1, c2, c3


@njit(cache=True, inline="always")
def _unit(word: np.uint64) -> float:
    """Map a word into the open interval (0, 1)."""
    return (np.float64(word >> uint64(12)) + 0.5) * 2.220446049250313e-16


@njit(cache=True)
def uniform(seed: int, replication: int, ordinal: int, group: int, purpose_key: int, n: int) -> float:
    """Return the uniform number of one patient (ordinal within group), purpose and occurrence."""
    words = philox(uint64(seed), uint64(replication), uint64(ordinal), uint64(group), uint64(purpose_key), uint64(n))
    return _unit(words[0])


@njit(cache=True)
def uniform_pair(
    seed: int, replication: int, ordinal: int, group: int, purpose_key: int, n: int
) -> tuple[float, float]:
    """Return two uniform numbers of one key: a stay's length and where it leads."""
    words = philox(uint64(seed), uint64(replication), uint64(ordinal), uint64(group), uint64(purpose_key), uint64(n))
    return _unit(words[0]), _unit(words[1])


@njit(cache=True)
def uniforms(
    seed: int,
    replication: int,
    ordinals: npt.NDArray[np.uint64],
    groups: npt.NDArray[np.uint64],
    purpose_key: np.uint64,
) -> npt.NDArray[np.float64]:
    """Return the first uniform number of many patients for one purpose, in bulk: the same as one by one."""
    numbers = np.empty(len(ordinals))
    for i in range(len(ordinals)):
        numbers[i] = uniform(seed, replication, ordinals[i], groups[i], purpose_key, 0)
    return numbers


@njit(cache=True)
def uniform_pairs(
    seed: int,
    replication: int,
    ordinals: npt.NDArray[np.uint64],
    groups: npt.NDArray[np.uint64],
    purpose_key: np.uint64,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the first pair of many patients for one purpose, in bulk: the same as one by one."""
    one, other = np.empty(len(ordinals)), np.empty(len(ordinals))
    for i in range(len(ordinals)):
        one[i], other[i] = uniform_pair(seed, replication, ordinals[i], groups[i], purpose_key, 0)
    return one, other


@njit(cache=True)
def unit_exponential(u: float) -> float:
    """Return the unit exponential of a uniform number."""
    return -math.log(u)


@njit(cache=True)
def exponential(seed: int, replication: int, ordinal: int, group: int, purpose_key: int, n: int) -> float:
    """Return the unit exponential of one patient, purpose and occurrence."""
    return unit_exponential(uniform(seed, replication, ordinal, group, purpose_key, n))


@njit(cache=True)
def exponentials(
    seed: int,
    replication: int,
    ordinals: npt.NDArray[np.uint64],
    groups: npt.NDArray[np.uint64],
    purpose_key: np.uint64,
) -> npt.NDArray[np.float64]:
    """Return the first unit exponential of many patients for one purpose, in bulk: the same as one by one."""
    numbers = np.empty(len(ordinals))
    for i in range(len(ordinals)):
        numbers[i] = exponential(seed, replication, ordinals[i], groups[i], purpose_key, 0)
    return numbers


@njit(cache=True)
def duration(law: int, a: float, b: float, c: float, u: float) -> float:
    """Return the quantile u of a duration law (codes and parameters: see `Law`)."""
    if law == 0:
        return a
    if law == 1:
        return -a * math.log(1.0 - u)
    if law == 2:
        return math.exp(a + b * _normal_quantile(u))
    if law == 3:
        return max(0.0, a + b * _normal_quantile(u))
    if law == 4:
        return a + (b - a) * u
    if law == 5:
        return _triangular(a, b, c, u)
    if law == 6:
        return b * _gamma_quantile(a, u)
    if law == 7:
        return b * math.exp(math.log(-math.log(1.0 - u)) / a)
    if law == 8:
        if u < a:
            return -b * math.log(1.0 - u / a)
        return -c * math.log(1.0 - (u - a) / (1.0 - a))
    return math.inf


@njit(cache=True)
def stay(
    seed: int,
    replication: int,
    ordinal: int,
    group: int,
    purpose_key: int,
    n: int,
    law: int,
    a: float,
    b: float,
    c: float,
) -> tuple[float, float]:
    """Return the length of a patient's n-th stay of a purpose, by its law, and the number that says where it leads."""
    length, routing = uniform_pair(seed, replication, ordinal, group, purpose_key, n)
    return duration(law, a, b, c, length), routing


@njit(cache=True)
def stays(
    seed: int,
    replication: int,
    ordinals: npt.NDArray[np.int64],
    groups: npt.NDArray[np.int64],
    purpose_key: int,
    law: int,
    a: float,
    b: float,
    c: float,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the first `stay` of many patients for one purpose and law, in bulk: the same as one by one."""
    lengths, routings = np.empty(len(ordinals)), np.empty(len(ordinals))
    for i in range(len(ordinals)):
        lengths[i], routings[i] = stay(seed, replication, ordinals[i], groups[i], purpose_key, 0, law, a, b, c)
    return lengths, routings


@njit(cache=True)
def _triangular(low: float, mode: float, high: float, u: float) -> float:
    width = high - low
    if width <= 0.0:
        return low
    if u * width < mode - low:
        return low + math.sqrt(u * width * (mode - low))
    return high - math.sqrt((1.0 - u) * width * (high - mode))


def bulk_exponentials(seed: int, replication: int, group: int, purpose_key: int, count: int) -> npt.NDArray[np.float64]:
    """Return the first `count` unit exponentials of one group and purpose, in bulk."""
    generator = np.random.Generator(
        np.random.Philox(
            key=np.array([seed, replication], dtype=np.uint64),
            counter=np.array([0, group, purpose_key, 0], dtype=np.uint64),
        )
    )
    return generator.standard_exponential(count)
