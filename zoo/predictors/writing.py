"""Texts from a predictor of a language model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from zoo.errors import InputError


def stream(
    predictor: Any,
    prompts: Sequence[str],
    tokens: int = 200,
    *,
    temperature: float = 0.8,
    top_k: int = 0,
    top_p: float = 1.0,
    repetition_penalty: float = 1.0,
    beams: int = 1,
    seed: int = 0,
    stop: Sequence[str] = (),
) -> Iterator[list[str]]:
    """Continue each prompt, and yield what was written so far whenever there is more.

    Args:
        predictor: of a language model.
        prompts: an empty one begins a text.
        tokens: how many to write, unless the text ends before.
        temperature: 0 always takes the likeliest token; higher is more varied.
        top_k: draw from so many of the likeliest tokens only; 0 from all.
        top_p: draw from the fewest tokens that have this share of the probability.
        repetition_penalty: above 1 makes tokens less likely that a text has had.
        beams: above 1 nothing is drawn: beam search follows so many beginnings of a text and takes
            the likeliest; it is yielded once it is whole.
        seed: the same one writes the same texts.
        stop: a text ends before the first of these strings.

    Raises:
        InputError: the model does something else, or an artifact is asked for beams.
    """
    import tensorflow as tf

    from zoo.generation import sampling

    if "generate" not in predictor.functions:
        raise predictor.cannot("writes no text", "language-modelling")
    how = {
        "temperature": tf.constant(temperature, tf.float32),
        "top_k": tf.constant(top_k, tf.int32),
        "top_p": tf.constant(top_p, tf.float32),
        "repetition_penalty": tf.constant(repetition_penalty, tf.float32),
        "seed": tf.constant(seed, tf.int32),
    }
    if predictor.model is None:  # an artifact has but the function that writes all at once
        if beams > 1:
            raise InputError(
                f"--beams received {beams} for an artifact, which has no beam search. Expected a "
                "run. Try without --beams."
            )
        asked = {"prompt": tf.constant(list(prompts), tf.string), "tokens": tf.constant(tokens)}
        outputs = predictor.answer("generate", {**asked, **how})
        yield [sampling.shortened(text, stop) for text in outputs["text"].tolist()]
        return
    if predictor.writer is None:
        predictor.writer = sampling.Stream(predictor.model, predictor.preprocessor)
    if beams > 1:
        yield predictor.writer.best(prompts, tokens, stop, beams)
    else:
        yield from predictor.writer(prompts, tokens, stop, how)


def notes(predictor: Any, prompt: str) -> list[str]:
    """Return what a person should know of a prompt: what of it the model makes nothing of."""
    from zoo.generation import engines
    from zoo.preprocessing.tokenizers import UNKNOWN

    preprocessor = predictor.preprocessor
    ids = preprocessor.tokenizer.ids([prompt]).flat_values.numpy()
    found, most = [], preprocessor.sequence_length
    if unseen := int((ids == UNKNOWN).sum()):
        found.append(f"{unseen} of the prompt's {len(ids)} tokens never came in the training text")
    if len(ids) > most and predictor.model is not None:
        engine = engines.create(predictor.model, most)
        if not isinstance(engine, engines.Recurrent):
            found.append(f"the model sees the last {most} of the prompt's {len(ids)} tokens")
    return found


def attention(predictor: Any, text: str) -> tuple[list[str], Any]:
    """Return a text's last tokens, and where each head looks from each: `(layers, heads, T, T)`.

    Raises:
        InputError: the model does not look back by attention.
    """
    from zoo.generation.attention import maps

    found = None
    if predictor.model is not None and "generate" in predictor.functions:
        found = maps(predictor.model, predictor.preprocessor, text)
    if found is None:
        raise InputError(
            f"--attention was given for '{predictor.card['model']}' "
            f"{'as an artifact' if predictor.model is None else 'for ' + predictor.task.name}. "
            "Expected a run of a language model that looks back by attention. Try gpt-nano."
        )
    return found
