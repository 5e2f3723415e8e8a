"""The contenders of `transformers.py` on PyTorch, for an environment of its own."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.common import answer

STEPS, PASSES, TOKENS = 10, 10, 200


class Block(nn.Module):
    """A block of GPT-2 with one product for queries, keys and values."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows, length, width = x.shape
        q, k, v = self.qkv(self.norms[0](x)).split(width, dim=2)
        q, k, v = (y.view(rows, length, self.heads, -1).transpose(1, 2) for y in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(rows, length, width))
        return x + self.down(F.gelu(self.up(self.norms[1](x)), approximate="tanh"))


class GPT(nn.Module):
    """GPT-2 whose output shares the embedding's weights."""

    def __init__(self, vocabulary: int, length: int, layers: int = 4, width: int = 128):
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        self.blocks = nn.Sequential(*(Block(width, 4) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.tokens(ids) + self.places(torch.arange(ids.shape[1]))
        return self.norm(self.blocks(x)) @ self.tokens.weight.T


def training(model: nn.Module, forward: Callable[[], torch.Tensor], y: torch.Tensor) -> Callable:
    """Return a function that trains on and returns milliseconds a step."""
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)

    def train(count: int) -> None:
        model.train()
        for _ in range(count):
            optimizer.zero_grad()
            logits = forward()
            F.cross_entropy(logits.view(-1, logits.shape[-1]), y.view(-1)).backward()
            optimizer.step()

    def measure() -> float:
        train(2)
        began = time.perf_counter()
        train(STEPS)
        return 1000 * (time.perf_counter() - began) / STEPS

    return measure


def inference(model: nn.Module, forward: Callable[[], torch.Tensor]) -> Callable[[], float]:
    """Return a function that returns milliseconds a batch."""

    def measure() -> float:
        model.eval()
        with torch.inference_mode():
            forward()
            began = time.perf_counter()
            for _ in range(PASSES):
                forward()
        return 1000 * (time.perf_counter() - began) / PASSES

    return measure


def gpt() -> dict[str, Callable[[], float]]:
    model = GPT(65, 64)
    x, y = torch.randint(65, (12, 64)), torch.randint(65, (12, 64))
    return {"gpt, training, PyTorch": training(model, lambda: model(x), y)}


def vit() -> dict[str, Callable[[], float]]:
    import timm

    model = timm.create_model("vit_tiny_patch16_224", num_classes=1000)
    x, y = torch.rand(16, 3, 224, 224), torch.randint(1000, (16,))
    return {"vit, training, timm": training(model, lambda: model(x), y)}


def bert() -> dict[str, Callable[[], float]]:
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(
        hidden_size=128, num_hidden_layers=2, num_attention_heads=2, intermediate_size=512,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    model = BertForSequenceClassification(config)
    x, y = torch.randint(3, 30522, (32, 128)), torch.randint(2, (32,))
    mask = torch.ones_like(x)

    def forward() -> torch.Tensor:
        return model(x, attention_mask=mask).logits

    return {
        "bert, training, transformers": training(model, forward, y),
        "bert, inference, transformers": inference(model, forward),
    }


def writing() -> dict[str, Callable[[], float]]:
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=259, n_positions=256, n_embd=128, n_layer=4, n_head=4, bos_token_id=2,
        eos_token_id=None, pad_token_id=0,
    )  # fmt: skip
    model = GPT2LMHeadModel(config).eval()
    x = torch.randint(3, 259, (1, 16))
    mask = torch.ones_like(x)

    def write() -> float:
        began = time.perf_counter()
        with torch.inference_mode():
            model.generate(
                x, attention_mask=mask, do_sample=True, max_new_tokens=TOKENS,
                min_new_tokens=TOKENS,
            )  # fmt: skip
        return 1000 * (time.perf_counter() - began)

    return {"writing, transformers": write}


def main() -> None:
    torch.manual_seed(0)
    contenders = {"gpt": gpt, "vit": vit, "bert": bert, "writing": writing}[sys.argv[1]]()
    for measure in contenders.values():  # warms up
        measure()
    answer(contenders)


if __name__ == "__main__":
    main()
