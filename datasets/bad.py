"""Examples that cannot be read or used: the first one is an error, or all are left out and told."""

from __future__ import annotations

from pathlib import Path

from zoo.errors import InputError, unknown

POLICIES = ("fail", "skip")
ADVICE = "or leave such rows out with --on-bad-example skip"
SHOWN = 5  # bad examples that a note names

Problem = tuple[str, str, str]  # what is wrong, what was expected, what to try


class BadExamples:
    """What becomes of bad examples; one object a data set, shared by all that read it.

    A reader says `found` for each bad example, and `finished` when it has read a source.

    Args:
        policy: "fail" raises an InputError for the first one; "skip" counts them and remembers a
            few. None raises too, and offers no choice: answers have to line up with what was read.
    """

    def __init__(self, policy: str | None = None):
        if policy not in (None, *POLICIES):
            raise unknown("value for on_bad_example", str(policy), POLICIES)
        self.policy = policy
        self.skipped = 0
        self._named: list[str] = []
        self._last = ""
        self._before = 0  # skipped in the sources that are finished

    def found(self, source: str | Path, where: str, problem: Problem) -> None:
        """Report one example that cannot be read or used.

        Args:
            source: the file or data set.
            where: the place in it, as "line 17"; "" where the source is the example.
            problem: as ("has 5 fields", "4 as in the header", "quoting fields with commas").

        Raises:
            InputError: bad examples are not to be skipped.
        """
        why, expected, hint = problem
        if self.policy != "skip":
            what = " ".join(filter(None, (f"'{source}'", where, why)))
            advice = f", {ADVICE}" if self.policy else ""
            raise InputError(f"{what}; expected {expected}; try {hint}{advice}")
        self.skipped += 1
        what = " ".join(filter(None, (Path(source).name, where, why)))
        self._last = what
        if len(self._named) < SHOWN:
            self._named.append(f"{what} (expected {expected})")

    def finished(self, source: str | Path, good: int) -> None:
        """Say how many good examples a source has.

        Raises:
            InputError: more than half of its examples are bad.
        """
        bad, self._before = self.skipped - self._before, self.skipped
        if bad > good:
            raise InputError(
                f"'{source}' has {bad:,} bad rows of {good + bad:,} ({self._last}); expected half "
                "of them to be good, as else the file is probably not what it seems; try looking "
                "into it, or another one"
            )

    def notes(self, total: int) -> list[str]:
        """Return what a user should be told, given how many examples were read."""
        if not self.skipped:
            return []
        more = self.skipped - len(self._named)
        named = ", ".join(self._named) + (f", and {more:,} more" if more else "")
        are = "row is" if self.skipped == 1 else "rows are"
        return [f"{self.skipped:,} of {total:,} {are} left out: {named}"]
