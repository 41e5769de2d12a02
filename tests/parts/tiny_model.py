"""Writes a tiny language model with random weights, in GGUF, for the real llama-server.

It talks nonsense, but its tokens are really read, decoded and counted, at thousands a second. The format and the
tensors' names: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md and llama.cpp's `gguf-py`.
"""

from __future__ import annotations

import fcntl
import hashlib
from pathlib import Path
from typing import Literal

import gguf
import numpy as np

from tests.parts.kept import ROOT

_SEED = 7
_WIDTH, _HEADS, _INNER, _LAYERS, _CONTEXT = 64, 4, 128, 2, 4096
_MANY_LAYERS = 32
_WORDS = (
    "about all and are as at be been but by can could did do for from had has have he her his how if in into is it its "
    "like made may more no not of on one only or other out over said she so some than that the their them then there "
    "these they this time to two up was we were what when which will with would you your"
)
_SPACE = "\u2581"  # how SentencePiece vocabularies write the space before a word


Kind = Literal["words", "vectors", "slow"]


def tiny_model(kind: Kind = "words") -> Path:
    """The model's file, about 0.7 MB, written once below `.parts/`: the same bytes each time.

    "vectors" embeds, into 64 numbers, and says nothing. "slow" says words too, some tens a second, by its many layers.
    """
    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]  # another recipe is another file
    path = ROOT / f"tiny-{kind}-{recipe}.gguf"
    ROOT.mkdir(exist_ok=True)
    with (ROOT / "tiny.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            draft = path.with_suffix(".partial")
            _write(draft, kind)
            draft.rename(path)
    return path


def _vocabulary() -> list[tuple[str, float, gguf.TokenType]]:
    """(token, score, type): the specials, every byte (so any text can be read), signs, and words that win merges."""
    kind = gguf.TokenType
    special = [("<unk>", 0.0, kind.UNKNOWN), ("<s>", 0.0, kind.CONTROL), ("</s>", 0.0, kind.CONTROL)]
    every_byte = [(f"<0x{value:02X}>", 0.0, kind.BYTE) for value in range(256)]
    signs = [(sign, -100.0 - at, kind.NORMAL) for at, sign in enumerate([_SPACE, *map(chr, range(33, 127))])]
    words = [(_SPACE + word, 0.0, kind.NORMAL) for word in _WORDS.split()]
    known = [*special, *every_byte, *signs, *words]
    padding = -len(known) % 32  # matrices are aligned to 32 rows
    return [*known, *((f"<pad{at}>", 0.0, kind.UNUSED) for at in range(padding))]


def _write(path: Path, kind: Kind) -> None:
    layers = _MANY_LAYERS if kind == "slow" else _LAYERS
    vocabulary = _vocabulary()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny-random")
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(_INNER)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_WIDTH // _HEADS)
    writer.add_vocab_size(len(vocabulary))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([token.encode() for token, _, _ in vocabulary])
    writer.add_token_scores([score for _, score, _ in vocabulary])
    writer.add_token_types([int(kind) for _, _, kind in vocabulary])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_chat_template("{% for message in messages %}{{ message['content'] }}\n{% endfor %}")
    if kind == "vectors":
        writer.add_pooling_type(gguf.PoolingType.MEAN)
    for name, values in _tensors(vocabulary, layers).items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _tensors(vocabulary: list[tuple[str, float, gguf.TokenType]], layers: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(_SEED)

    def weights(rows: int, columns: int, scale: float) -> np.ndarray:
        return (random.standard_normal((rows, columns)) * scale).astype(np.float32)

    head = weights(len(vocabulary), _WIDTH, 1.0)
    # Only whole words may be said: the end of a text above all must not, so that an answer has the length asked for.
    head[[not (kind == gguf.TokenType.NORMAL and len(token) > 1) for token, _, kind in vocabulary]] = 0
    ones = np.ones(_WIDTH, np.float32)
    found = {
        "token_embd.weight": weights(len(vocabulary), _WIDTH, 1.0),
        "output_norm.weight": ones,
        "output.weight": head,
    }
    for layer in range(layers):
        block = f"blk.{layer}"
        found |= {f"{block}.attn_norm.weight": ones, f"{block}.ffn_norm.weight": ones}
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            found[f"{block}.{part}.weight"] = weights(_WIDTH, _WIDTH, _WIDTH**-0.5)
        for part in ("ffn_gate", "ffn_up"):
            found[f"{block}.{part}.weight"] = weights(_INNER, _WIDTH, _WIDTH**-0.5)
        found[f"{block}.ffn_down.weight"] = weights(_WIDTH, _INNER, _INNER**-0.5)
    return found
