"""LLVM code for what Python integers cannot say: SHA-256 compressions of several messages at once, block copies.

Which code is generated is told by the *type* of the first argument, so that instructions a processor lacks are never
asked of its code generator: uint8 stands for the SHA extensions of x86 (four interleaved streams hide the latency of
`sha256rnds2`), uint16 for plain vectors, which LLVM turns into whatever the processor has.
"""

from collections.abc import Sequence
from typing import Any

import llvmlite.ir as ir
from llvmlite import binding
from numba import types
from numba.extending import intrinsic

from ledger.fingerprint.kernel.constants import ROUND

FEATURES = binding.get_host_cpu_features()
NI_LANES = 4
VECTOR_LANES = 16 if FEATURES.get("avx512f") else 8 if FEATURES.get("avx2") else 4
MOST_LANES = 16
NI = types.uint8
_BYTE, _WORD, _LONG = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_QUAD, _OCTETS = ir.VectorType(_WORD, 4), ir.VectorType(_BYTE, 16)

_SWAP = tuple(4 * (at // 4) + 3 - at % 4 for at in range(16))  # big-endian words


def has_sha_extensions() -> bool:
    """Does this processor have SHA256RNDS2 and its companions, with the shuffles they need?"""
    return bool(FEATURES.get("sha") and FEATURES.get("sse4.1") and FEATURES.get("ssse3"))


def _load(b: Any, address: Any, type: Any) -> Any:
    value = b.load(b.inttoptr(address, type.as_pointer()))
    value.align = 1
    return value


def _store(b: Any, value: Any, address: Any) -> None:
    b.store(value, b.inttoptr(address, value.type.as_pointer())).align = 1


def _plus(b: Any, address: Any, offset: int) -> Any:
    return b.add(address, ir.Constant(_LONG, offset))


def _call(b: Any, name: str, type: Any, arguments: Sequence[Any]) -> Any:
    function = b.module.globals.get(name)
    if function is None:
        function = ir.Function(b.module, ir.FunctionType(type, [each.type for each in arguments]), name)
    return b.call(function, arguments)


def _pick(b: Any, first: Any, second: Any, places: Sequence[int]) -> Any:
    mask = ir.Constant(ir.VectorType(_WORD, len(places)), [ir.Constant(_WORD, place) for place in places])
    return b.shuffle_vector(first, second, mask)


def _with_sha_extensions(b: Any, states: Any, pointers: Any) -> None:
    """States are lanes of eight words; the instructions want them as ABEF and CDGH, highest word first."""
    abef, cdgh, schedule = [], [], []
    for lane in range(NI_LANES):
        low, high = (_load(b, _plus(b, states, 32 * lane + half), _QUAD) for half in (0, 16))
        abef.append(_pick(b, low, high, (5, 4, 1, 0)))
        cdgh.append(_pick(b, low, high, (7, 6, 3, 2)))
        block = _load(b, _plus(b, pointers, 8 * lane), _LONG)
        raw = [_load(b, _plus(b, block, 16 * at), _OCTETS) for at in range(4)]
        schedule.append([b.bitcast(_pick(b, each, each, _SWAP), _QUAD) for each in raw])
    before = list(zip(abef, cdgh, strict=True))
    for step in range(16):
        constant = ir.Constant(_QUAD, [ir.Constant(_WORD, word) for word in ROUND[4 * step : 4 * step + 4]])
        sums = []
        for lane, words in enumerate(schedule):
            if step >= 4:
                words.append(_next_words(b, words[-4:]))
            sums.append(b.add(words[step], constant))
            cdgh[lane] = _call(b, "llvm.x86.sha256rnds2", _QUAD, (cdgh[lane], abef[lane], sums[lane]))
        for lane, each in enumerate(sums):
            upper = _pick(b, each, each, (2, 3, 2, 3))
            abef[lane] = _call(b, "llvm.x86.sha256rnds2", _QUAD, (abef[lane], cdgh[lane], upper))
    for lane, (first, second) in enumerate(before):
        left, right = b.add(abef[lane], first), b.add(cdgh[lane], second)
        _store(b, _pick(b, left, right, (3, 2, 7, 6)), _plus(b, states, 32 * lane))
        _store(b, _pick(b, left, right, (1, 0, 5, 4)), _plus(b, states, 32 * lane + 16))


def _next_words(b: Any, last: Sequence[Any]) -> Any:
    partial = _call(b, "llvm.x86.sha256msg1", _QUAD, (last[0], last[1]))
    partial = b.add(partial, _pick(b, last[2], last[3], (1, 2, 3, 4)))
    return _call(b, "llvm.x86.sha256msg2", _QUAD, (partial, last[3]))


def _with_vectors(b: Any, states: Any, pointers: Any) -> None:
    """States are eight words of all lanes: one vector holds the same word of every message."""
    lanes = VECTOR_LANES
    vector = ir.VectorType(_WORD, lanes)

    def constant(word: int) -> Any:
        return ir.Constant(vector, [ir.Constant(_WORD, word)] * lanes)

    def rotated(value: Any, *by: int, shift: int | None = None) -> Any:
        name = f"llvm.fshr.v{lanes}i32"
        parts = [_call(b, name, vector, (value, value, constant(each))) for each in by]
        if shift is not None:
            parts.append(b.lshr(value, constant(shift)))
        return b.xor(b.xor(parts[0], parts[1]), parts[2])

    blocks = [_load(b, _plus(b, pointers, 8 * lane), _LONG) for lane in range(lanes)]
    words = []
    for at in range(16):
        word = ir.Constant(vector, ir.Undefined)
        for lane, block in enumerate(blocks):
            word = b.insert_element(word, _load(b, _plus(b, block, 4 * at), _WORD), ir.Constant(_WORD, lane))
        words.append(_call(b, f"llvm.bswap.v{lanes}i32", vector, (word,)))
    before = [_load(b, _plus(b, states, 4 * lanes * at), vector) for at in range(8)]
    a, bb, c, d, e, f, g, h = before
    for step in range(64):
        if step >= 16:
            small0, small1 = rotated(words[-15], 7, 18, shift=3), rotated(words[-2], 17, 19, shift=10)
            words.append(b.add(b.add(small0, small1), b.add(words[-16], words[-7])))
        choice = b.xor(g, b.and_(e, b.xor(f, g)))
        first = b.add(b.add(h, b.add(words[step], constant(ROUND[step]))), b.add(rotated(e, 6, 11, 25), choice))
        majority = b.or_(b.and_(a, bb), b.and_(c, b.or_(a, bb)))
        second = b.add(rotated(a, 2, 13, 22), majority)
        a, bb, c, d, e, f, g, h = b.add(first, second), a, bb, c, b.add(d, first), e, f, g
    for at, (old, new) in enumerate(zip(before, (a, bb, c, d, e, f, g, h), strict=True)):
        _store(b, b.add(old, new), _plus(b, states, 4 * lanes * at))


@intrinsic
def compress(typingctx, engine, states, pointers):
    """One compression in every lane: `states` is the address of the states, `pointers` of one block address a lane."""

    def codegen(context, builder, signature, arguments):
        generate = _with_sha_extensions if engine == NI else _with_vectors
        generate(builder, arguments[1], arguments[2])
        return context.get_dummy_value()

    return types.void(engine, types.intp, types.intp), codegen


@intrinsic
def lanes(typingctx, engine):
    """How many messages go side by side."""

    def codegen(context, builder, signature, arguments):
        return ir.Constant(_LONG, NI_LANES if engine == NI else VECTOR_LANES)

    return types.intp(engine), codegen


@intrinsic
def set_states(typingctx, engine, states, state):
    """All lanes to the state of eight words at an address."""

    def codegen(context, builder, signature, arguments):
        states, state = arguments[1:]
        if engine == NI:
            halves = [_load(builder, _plus(builder, state, half), _QUAD) for half in (0, 16)]
            for lane in range(NI_LANES):
                for at, half in enumerate(halves):
                    _store(builder, half, _plus(builder, states, 32 * lane + 16 * at))
        else:
            for at in range(8):
                word = _load(builder, _plus(builder, state, 4 * at), _WORD)
                same = ir.Constant(ir.VectorType(_WORD, VECTOR_LANES), ir.Undefined)
                for lane in range(VECTOR_LANES):
                    same = builder.insert_element(same, word, ir.Constant(_WORD, lane))
                _store(builder, same, _plus(builder, states, 4 * VECTOR_LANES * at))
        return context.get_dummy_value()

    return types.void(engine, types.intp, types.intp), codegen


@intrinsic
def put_digest(typingctx, engine, states, lane, target):
    """The state of one lane as 32 bytes."""

    def codegen(context, builder, signature, arguments):
        states, lane, target = arguments[1:]
        if engine == NI:
            own = builder.add(states, builder.mul(lane, ir.Constant(_LONG, 32)))
            for half in (0, 16):
                octets = _load(builder, _plus(builder, own, half), _OCTETS)
                _store(builder, _pick(builder, octets, octets, _SWAP), _plus(builder, target, half))
        else:
            own = builder.add(states, builder.mul(lane, ir.Constant(_LONG, 4)))
            for at in range(8):
                word = _load(builder, _plus(builder, own, 4 * VECTOR_LANES * at), _WORD)
                _store(builder, builder.bswap(word), _plus(builder, target, 4 * at))
        return context.get_dummy_value()

    return types.void(engine, types.intp, types.intp, types.intp), codegen


@intrinsic
def put_state(typingctx, engine, states, target):
    """The state of the first lane as eight words."""

    def codegen(context, builder, signature, arguments):
        step = 4 if engine == NI else 4 * VECTOR_LANES
        for at in range(8):
            word = _load(builder, _plus(builder, arguments[1], step * at), _WORD)
            _store(builder, word, _plus(builder, arguments[2], 4 * at))
        return context.get_dummy_value()

    return types.void(engine, types.intp, types.intp), codegen


@intrinsic
def copy64(typingctx, target, source):
    """64 bytes from one address to another, neither of them aligned."""

    def codegen(context, builder, signature, arguments):
        block = ir.VectorType(_BYTE, 64)
        _store(builder, _load(builder, arguments[1], block), arguments[0])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), codegen


@intrinsic
def copy16(typingctx, target, source):
    """16 bytes from one address to another."""

    def codegen(context, builder, signature, arguments):
        _store(builder, _load(builder, arguments[1], _OCTETS), arguments[0])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), codegen


@intrinsic
def zero64(typingctx, target):
    """64 zero bytes."""

    def codegen(context, builder, signature, arguments):
        _store(builder, ir.Constant(ir.VectorType(_BYTE, 64), None), arguments[0])
        return context.get_dummy_value()

    return types.void(types.intp), codegen


@intrinsic
def put8(typingctx, target, value):
    """One byte."""

    def codegen(context, builder, signature, arguments):
        _store(builder, builder.trunc(arguments[1], _BYTE), arguments[0])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), codegen


@intrinsic
def get8(typingctx, source):
    """One byte, as an integer."""

    def codegen(context, builder, signature, arguments):
        return builder.zext(_load(builder, arguments[0], _BYTE), _LONG)

    return types.intp(types.intp), codegen


@intrinsic
def get64(typingctx, source):
    """Eight bytes, in the machine's order."""

    def codegen(context, builder, signature, arguments):
        return _load(builder, arguments[0], _LONG)

    return types.uint64(types.intp), codegen


@intrinsic
def put32(typingctx, target, value):
    """u32(value), big-endian."""

    def codegen(context, builder, signature, arguments):
        word = builder.trunc(arguments[1], _WORD)
        _store(builder, builder.bswap(word), arguments[0])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), codegen


@intrinsic
def put64(typingctx, target, value):
    """u64(value), big-endian."""

    def codegen(context, builder, signature, arguments):
        _store(builder, builder.bswap(arguments[1]), arguments[0])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), codegen
