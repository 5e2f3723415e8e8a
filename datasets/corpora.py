"""Named data sets of text that are fetched: Tiny Shakespeare, Multi30k, IMDB."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pandas as pd

from .bad import BadExamples
from .base import Raw
from .fetch import Remote, obtain
from .prose import read_parallel
from .splits import consecutive
from .text import read_text

SHAKESPEARE = Remote(
    "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
    ("86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",),
)
_MULTI30K = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/"
MULTI30K = {
    split: {
        language: Remote(f"{_MULTI30K}{name}.{language}.gz", (sha256,))
        for language, sha256 in hashes.items()
    }
    for split, name, hashes in (
        (
            "train",
            "train",
            {
                "de": "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6",
                "en": "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
            },
        ),
        (
            "validation",
            "val",
            {
                "de": "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a",
                "en": "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
            },
        ),
        (
            "test",
            "test_2016_flickr",
            {
                "de": "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
                "en": "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
            },
        ),
    )
}
# The hashes that keras.datasets publishes.
_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
IMDB = Remote(
    f"{_KERAS}imdb.npz", ("69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",)
)
IMDB_WORDS = Remote(f"{_KERAS}imdb_word_index.json", ("bfafd718b763782e994055a2d397834f",))


def tiny_shakespeare() -> Raw:
    """One running text: nine tenths to train, of the rest one half each to validate and test."""
    raw = read_text(obtain("tiny-shakespeare", SHAKESPEARE))
    (whole,) = raw.documents
    ends = [0, *(round(len(whole) * share) for share in (0.9, 0.95, 1))]
    raw.documents = [whole[start:end] for start, end in pairwise(ends)]
    raw.given = consecutive({"train": 1, "validation": 1, "test": 1})
    return raw


def multi30k() -> Raw:
    """Descriptions of pictures in English, and their German translations, with their splits."""
    files = {
        split: {language: obtain("multi30k", remote) for language, remote in remotes.items()}
        for split, remotes in MULTI30K.items()
    }
    raw = read_parallel(files, BadExamples("skip"))
    raw.target = ("de",)
    return raw


def imdb() -> Raw:
    """Reviews in lower case without marks, 25,000 to train and 25,000 to test, for and against."""
    words = json.loads(obtain("imdb", IMDB_WORDS).read_bytes())
    names = np.full(max(words.values()) + 1, "", dtype=object)
    names[list(words.values())] = list(words)
    # What is unpickled is known to the bit: the file's hash was looked at.
    with np.load(obtain("imdb", IMDB), allow_pickle=True) as file:
        reviews = [*file["x_train"], *file["x_test"]]
        labels = np.concatenate([file["y_train"], file["y_test"]])
        sizes = {"train": len(file["x_train"]), "test": len(file["x_test"])}
    opinion = pd.Categorical.from_codes(labels.astype(int), pd.Index(["negative", "positive"]))
    return Raw(
        "text",
        pd.DataFrame({"opinion": opinion}),
        documents=[" ".join(names[np.asarray(review, int)]) for review in reviews],
        target=("opinion",),
        given=consecutive(sizes),
    )
