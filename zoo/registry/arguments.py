"""What a builder can be told, read from its source: neither it nor Keras is imported."""

from __future__ import annotations

import ast
import importlib
import importlib.machinery
import importlib.util
import inspect
import re
import tokenize
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.errors import InputError, nearest
from zoo.registry.row import Row

DATA = (
    "input_shape", "classes", "cardinalities", "vocabulary_size", "target_vocabulary_size",
    "sequence_length", "horizon", "targets", "known", "quantiles", "target_channels",
)  # fmt: skip
DICTATED = dict.fromkeys(DATA, "it follows from the data")
DICTATED["classifier_activation"] = "zoo trains on logits and decodes them itself"


class Required:
    """Stands where an argument has no default."""

    def __repr__(self) -> str:
        return "required"


REQUIRED = Required()


@dataclass(frozen=True)
class Argument:
    """One keyword of a builder.

    Attributes:
        name: the keyword.
        default: its value when not given; `REQUIRED` if there is none.
        doc: what the builder's docstring says of it, in one line.
    """

    name: str
    default: Any
    doc: str = ""

    @property
    def option(self) -> bool:
        """Whether it is the user's to turn, not dictated by the data or the task."""
        return self.name not in DICTATED


@dataclass(frozen=True)
class Signature:
    """A builder's arguments, and whether it also takes names it does not list."""

    arguments: tuple[Argument, ...]
    open: bool = False


def signature(row: Row) -> Signature:
    """Read the signature of a row's builder; the row's own options replace the defaults."""
    found = _of_callable(row.builder) if callable(row.builder) else _of_source(row.builder)
    arguments = tuple(
        Argument(a.name, row.options.get(a.name, a.default), a.doc) for a in found.arguments
    )
    return Signature(arguments, found.open)


def resolve(builder: str | Callable[..., Any]) -> Callable[..., Any]:
    """Import a builder written as "module:function"."""
    if callable(builder):
        return builder
    module, _, function = builder.partition(":")
    return getattr(importlib.import_module(module), function)


def plain(value: Any) -> bool:
    """Tell whether a value is one of JSON, or a tuple of such."""
    if isinstance(value, (tuple, list)):
        return all(plain(each) for each in value)
    return value is None or isinstance(value, (bool, int, float, str))


def parse_settings(texts: Sequence[str]) -> dict[str, Any]:
    """Read `name=value` texts, as of `--set`; values are Python literals, or else strings.

    `256,128` is a tuple; true, false and none are understood in any case.
    """
    settings = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise InputError(
                f"Received the setting '{text}'. Expected name=value. Try: --set units=256,128"
            )
        settings[name.strip()] = _literal(value.strip())
    return settings


def check(row: Row, values: Mapping[str, Any], data: bool = False) -> dict[str, Any]:
    """Check names and types of builder arguments and return them converted.

    An int default takes an int, a float default any number, a tuple default a list or a single
    value, None takes anything.

    Args:
        row: the model.
        values: arguments by name.
        data: accept what the data and the task dictate (`input_shape`, `classes` ...) as well.
    """
    found = signature(row)
    known = {a.name: a for a in found.arguments if data or a.option}
    checked = {}
    for name, value in values.items():
        if name in known:
            checked[name] = _convert(row.name, known[name], value)
        elif found.open and (data or name not in DICTATED):
            checked[name] = value
        else:
            raise _unknown_argument(row.name, name, known, data)
    return checked


def _unknown_argument(
    model: str, name: str, known: Mapping[str, Argument], data: bool
) -> InputError:
    if name in DICTATED and not data:
        return InputError(
            f"Received '{name}' for model '{model}', which cannot be set: {DICTATED[name]}. "
            f"Expected one of: {', '.join(known) or 'nothing, it has no options'}."
        )
    return InputError(
        f"Model '{model}' has no argument '{name}'.{nearest(name, known)} "
        f"Expected one of: {', '.join(known) or 'nothing, it has no options'}."
    )


def _of_callable(builder: Any) -> Signature:
    parameters = inspect.signature(builder).parameters.values()
    docs = _argument_docs(inspect.getdoc(builder) or "")
    found = tuple(
        Argument(p.name, REQUIRED if p.default is p.empty else p.default, docs.get(p.name, ""))
        for p in parameters
        if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    )
    return Signature(found, any(p.kind is p.VAR_KEYWORD for p in parameters))


def _of_source(builder: str) -> Signature:
    """Read a signature with `ast`; what is not a plain `def` with literal defaults is imported."""
    module, _, function = builder.partition(":")
    path = _source_file(module)
    if path is None:
        return _of_callable(resolve(builder))
    with tokenize.open(path) as file:
        body = ast.parse(file.read()).body
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            try:
                return _of_definition(node)
            except ValueError:
                break
    return _of_callable(resolve(builder))


def _of_definition(node: ast.FunctionDef) -> Signature:
    plain, defaults = node.args.args, node.args.defaults
    missing = [None] * (len(plain) - len(defaults))
    pairs = [
        *zip(plain, [*missing, *defaults], strict=True),
        *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
    ]
    docs = _argument_docs(ast.get_docstring(node) or "")
    found = tuple(
        Argument(
            name.arg,
            REQUIRED if default is None else ast.literal_eval(default),
            docs.get(name.arg, ""),
        )
        for name, default in pairs
    )
    return Signature(found, node.args.kwarg is not None)


def _source_file(module: str) -> Path | None:
    """Find a module's file; importing its parent packages could import Keras."""
    parts = module.split(".")
    spec = importlib.util.find_spec(parts[0])
    for depth in range(2, len(parts) + 1):
        if spec is None or spec.submodule_search_locations is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(
            ".".join(parts[:depth]), list(spec.submodule_search_locations)
        )
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)


def _argument_docs(docstring: str) -> dict[str, str]:
    """Return the `Args:` section of a docstring, one line an argument."""
    section = re.search(r"^Args:\n((?:[ \t]+.*\n?|\n)*)", docstring, re.MULTILINE)
    docs: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc("\n" + section.group(1)).splitlines() if section else []:
        start = re.match(r"(\w+): *(.*)", line)
        if start:
            name, docs[start.group(1)] = start.group(1), start.group(2)
        elif name:
            docs[name] = f"{docs[name]} {line.strip()}".strip()
    return docs


def _literal(text: str) -> Any:
    words = {"true": True, "false": False, "none": None, "null": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _convert(model: str, argument: Argument, value: Any) -> Any:
    if argument.name in DATA and value is not None:
        return _convert_data(model, argument, value)
    if argument.default is REQUIRED or argument.default is None:
        return tuple(value) if isinstance(value, list) else value
    if isinstance(argument.default, tuple):
        return _convert_tuple(model, argument, value)
    if _fits(argument.default, value):
        return float(value) if isinstance(argument.default, float) else value
    raise _wrong_type(model, argument, value, _kind(argument.default))


def _convert_data(model: str, argument: Argument, value: Any) -> Any:
    if argument.name == "input_shape" and _any_length(value):  # sequences of any length
        return (None, *_convert_data(model, argument, value[1:]))
    pattern: Any = (1,) if argument.name in ("input_shape", "cardinalities") else 1
    try:
        return _convert(model, Argument("", pattern), value)
    except InputError:
        kind = "a list of whole numbers" if isinstance(pattern, tuple) else "a whole number"
        raise InputError(
            f"Received {argument.name}={value!r} for model '{model}'. Expected {kind}."
        ) from None


def _any_length(shape: Any) -> bool:
    return isinstance(shape, (list, tuple)) and len(shape) > 1 and shape[0] is None


def _convert_tuple(model: str, argument: Argument, value: Any) -> tuple[Any, ...]:
    names = argument.default and isinstance(argument.default[0], str)
    if names and isinstance(value, str):
        value = value.split(",")
    items = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if not argument.default:
        return items
    pattern = argument.default[0]
    if not all(_fits(pattern, item) for item in items):
        raise _wrong_type(model, argument, value, f"a list in which each is {_kind(pattern)}")
    return tuple(float(item) for item in items) if isinstance(pattern, float) else items


def _fits(default: Any, value: Any) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, (int, float))
    return isinstance(value, type(default))


def _kind(default: Any) -> str:
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "a name"}
    return kinds.get(type(default), f"a {type(default).__name__}")


def _wrong_type(model: str, argument: Argument, value: Any, expected: str) -> InputError:
    shown = argument.default
    if isinstance(shown, tuple):
        shown = ",".join(str(item) for item in shown)
    return InputError(
        f"Received {argument.name}={value!r} for model '{model}'. Expected {expected}. "
        f"Try: {argument.name}={shown}"
    )
