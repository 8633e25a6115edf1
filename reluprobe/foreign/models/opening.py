"""What somebody gave as their network: a module, a function, a file; which of these it is."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from reluprobe.errors import InputError, nearest, shown
from reluprobe.foreign.models import closures, frameworks, parameters
from reluprobe.foreign.models.network import Network, Params, call, raised

_ALLOWED = (
    "allowed are an NNX, Linen or Equinox module, a function of (params, batch) or of (batch), "
    "or the path of an ONNX file"
)


def as_network(model: Any, params: Params = None) -> Network:
    """The network that somebody gave.

    Args:
        model: an NNX or Equinox module, or its ``vmap``; a Linen module with ``params``; a
            function of ``(params, batch)``, or of ``(batch)`` alone; the path of an ONNX file.
        params: the parameters, of a function of both; otherwise in place of those it has.

    Raises:
        InputError: it is nothing of that kind, or parameters are missing or do not fit.
    """
    model = frameworks.without_jit(model)
    if isinstance(model, str | PathLike):
        from reluprobe.foreign.models import onnx_file  # brings onnx

        network = onnx_file.load(Path(model))
    elif (module := frameworks.module(model, params)) is not None:
        network = module
    elif not callable(model):
        raise InputError("cannot look into this", [f"got {shown(model)}; {_ALLOWED}"])
    elif params is not None:

        def function(params: Any, batch: Any) -> Any:
            return call(model, params, batch=batch)

        return Network(function, params, parameters.reader(params), frameworks.name_of(model))
    else:
        network = closures.network(model)
    return network if params is None else replace(network, params=network.read(params))


def built(reference: str) -> Network:
    """The network that ``pkg.mod:build`` returns: a model, or a function and its parameters.

    Importing the module runs its code; the working directory is looked in first.

    Raises:
        InputError: there is no such module or function, it raised, or returned something else.
    """
    build = function(reference)
    try:
        made = build()
    except Exception as error:  # somebody else's code may raise anything
        raise raised(f"{reference} raised", error) from error
    pair = isinstance(made, tuple) and len(made) == 2 and callable(made[0])
    network = as_network(*made) if pair else as_network(made)
    return replace(network, called=reference.partition(":")[0].rpartition(".")[2])


def function(reference: str) -> Any:
    """The function that ``pkg.mod:build`` names.

    Importing the module runs its code; the working directory is looked in first.

    Raises:
        InputError: there is no such module or function, or the module raised.
    """
    module_name, _, name = reference.partition(":")
    return _attribute(_imported(module_name, reference), name, reference)


def _imported(name: str, reference: str) -> Any:
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and name.startswith(error.name):
            fault = f"no module {error.name!r} in {here} or among what is installed"
            raise InputError(f"cannot import {reference}", [fault]) from None
        raise raised(f"importing {name} raised", error) from error
    except Exception as error:  # somebody else's code may raise anything
        raise raised(f"importing {name} raised", error) from error


def _attribute(module: Any, name: str, reference: str) -> Any:
    value = getattr(module, name, None)
    if callable(value) and not inspect.ismodule(value):
        return value
    functions = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
    got = "is no function" if hasattr(module, name) else f"is not there{nearest(name, functions)}"
    raise InputError(f"cannot build {reference}", [f"{name} in {module.__name__}: {got}"])
