"""The table of contents: one file a family, one row a model. Standard library only."""

from zoo.registry.arguments import DATA, REQUIRED, Argument, parse_settings
from zoo.registry.catalog import (
    arguments,
    broken_entry_points,
    builder,
    check_arguments,
    complete,
    create,
    get,
    list_models,
    load_plugin,
    load_plugins,
    register,
)
from zoo.registry.row import Paper, Row

__all__ = [
    "Argument",
    "DATA",
    "Paper",
    "REQUIRED",
    "Row",
    "arguments",
    "broken_entry_points",
    "builder",
    "check_arguments",
    "complete",
    "create",
    "get",
    "list_models",
    "load_plugin",
    "load_plugins",
    "parse_settings",
    "register",
]
