"""Make a network of Hugging Face's transformers, or read one, and write down what it answers.

    python peer_transformers.py FOLDER

FOLDER holds `job.json`: `network`, a class of transformers; `config`, what it is made from, to be
saved in FOLDER/model in files of at most `shard`, its weights moved by `noise`, or `directory`,
where it is read from. Inputs are in `inputs.npz`: `ids`, of which 0 is padding, and those of a
`target` where one is written, or `pictures` `(B, H, W, C)` in [0, 1], or `texts`, whose `ids` are
written down as well. Answers go to `outputs.npz`. It runs where torch is and Keras need not be.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import transformers


def make(network, config, folder, shard, noise):
    """Return a network with random weights, none of them zero, saved in a folder."""
    torch.manual_seed(0)
    kind = getattr(transformers, network)
    model = kind(kind.config_class(**config))
    for parameter in model.parameters():
        parameter.data.add_(noise * torch.randn_like(parameter))
    model.save_pretrained(folder, max_shard_size=shard)
    return model


def tokenize(directory, texts):
    tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    return tokenizer([str(text) for text in texts], padding=True)["input_ids"]


def answer(model, inputs):
    if "pictures" in inputs:
        pictures = (inputs["pictures"].transpose(0, 3, 1, 2) - 0.5) / 0.5
        return model(torch.from_numpy(np.ascontiguousarray(pictures)))
    ids = torch.from_numpy(inputs["ids"].astype("int64"))
    target = inputs.get("target")
    more = {} if target is None else {"decoder_input_ids": torch.from_numpy(target).long()}
    return model(ids, attention_mask=(ids != 0).long(), **more)


def main(folder):
    job = json.loads((folder / "job.json").read_text())
    inputs = dict(np.load(folder / "inputs.npz"))
    if directory := job.get("directory"):
        model = getattr(transformers, job["network"]).from_pretrained(directory)
    else:
        model = make(job["network"], job["config"], folder / "model", job["shard"], job["noise"])
    if "texts" in inputs:
        inputs["ids"] = np.array(tokenize(directory, inputs["texts"]), "int32")
    with torch.no_grad():
        outputs = answer(model.eval(), inputs)
    ids = {name: value for name, value in inputs.items() if name == "ids"}
    answers = {k: v.numpy() for k, v in outputs.items() if isinstance(v, torch.Tensor)}
    np.savez(folder / "outputs.npz", **ids, **answers)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
