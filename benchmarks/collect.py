"""Put the goals of every `results/*.md` into the table of README.md."""

from __future__ import annotations

from pathlib import Path

from benchmarks.common import RESULTS, table

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
ORDER = (
    "startup", "training", "first_run", "accuracy", "language", "text", "forecasting",
    "synthesis", "tables", "latency", "checkpoints", "pictures", "recurrent", "networks",
    "transfer", "transformers", "gans",
)  # fmt: skip


def main() -> None:
    rows = [row for name in ORDER for row in goals(name)]
    header = ["what", "measured", "wanted", "met", "command and details"]
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    page = f"{before}{BEGIN}\n{table(header, rows)}\n{END}{after}"
    README.write_text(page, encoding="utf-8")


def goals(name: str) -> list[list[str]]:
    """Return the rows of a result's first table, each with a link to it."""
    lines = (RESULTS / f"{name}.md").read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| ---"))
    rows = []
    for line in lines[start + 1 :]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        rows.append([*cells, f"[`python -m benchmarks.{name}`](results/{name}.md)"])
    return rows


if __name__ == "__main__":
    main()
