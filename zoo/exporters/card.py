"""The model card that goes into every artifact."""

from __future__ import annotations

from typing import Any


def text(predictor: Any) -> str:
    """Return a card in Markdown: what the model is, what it takes and gives, on what it learned."""
    card, spec = predictor.card, predictor.spec
    data = card["data"]
    sizes = ", ".join(f"{count} {name}" for name, count in data["sizes"].items())
    inputs = ", ".join(f"`{name}`" for name in card["inputs"])
    lines = [
        f"# {card['model']} for {predictor.task.name}",
        "",
        f"- Input: {inputs}",
        f"- Classes: {', '.join(spec.classes)}" if spec.classes else "",
        f"- Targets: {', '.join(spec.targets)}" if spec.targets else "",
        f"- Data: {data['name']} ({sizes} examples). {data['provenance']}",
        f"- Licence of the data: {data['licence']}",
        f"- Fingerprint of data and split: {data['fingerprint']}",
        f"- Architecture: {card['paper'] or card['model']}",
        f"- Made with keras-zoo {card['version']}",
        "",
        "A SavedModel is code: load only those you trust.",
    ]
    return "\n".join(line for line in lines if line or line == "") + "\n"
