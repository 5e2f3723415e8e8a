"""The model card that goes into every artifact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def text(predictor: Any, arguments: Mapping[str, str]) -> str:
    """Return a card in Markdown: what the model is, what it takes and gives, on what it learned.

    Args:
        predictor: a run's predictor.
        arguments: what each raw input is called in the signature `serving_default`.
    """
    card, spec = predictor.card, predictor.spec
    data = card["data"]
    sizes = ", ".join(f"{count} {name}" for name, count in data["sizes"].items())
    inputs = ", ".join(
        f"`{name}`" if name == raw else f"`{name}` ({raw})" for raw, name in arguments.items()
    )
    lines = [
        f"# {card['model']} for {predictor.task.name}",
        "",
        f"- Input: {inputs}",
        *([f"- Classes: {', '.join(spec.classes)}"] if spec.classes else []),
        *(
            [f"- Forecasts: {spec.series.horizon} steps from {spec.series.history} before them"]
            if spec.series
            else []
        ),
        *([f"- Targets: {', '.join(spec.targets)}"] if spec.targets else []),
        f"- Data: {data['name']} ({sizes} examples). {data['provenance']}",
        f"- Licence of the data: {data['licence']}",
        f"- Fingerprint of data and split: {data['fingerprint']}",
        f"- Architecture: {card['paper'] or card['model']}",
        f"- Made with keras-zoo {card['version']}",
        "",
        "A SavedModel is code: load only those you trust.",
    ]
    return "\n".join(lines) + "\n"
