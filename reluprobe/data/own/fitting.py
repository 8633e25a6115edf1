"""Fitting: what a file holds as a :class:`Dataset`, split, scaled, and checked before training."""

from __future__ import annotations

import numpy as np

from reluprobe.data.dataset import Dataset
from reluprobe.data.own import targets as own_targets
from reluprobe.data.own.raw import Raw, log, refused
from reluprobe.data.own.source import OwnData

_FLOAT32_MAX = float(np.finfo(np.float32).max)
#: Features this large, or targets this far from 0 for their spread, train badly as they are.
LARGE = 100.0
#: Of many features, so many are named.
MOST_NAMED = 6
#: Training inputs and targets, test inputs and targets.
Parts = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
#: As many training examples are the probe where nobody says how many.
PROBE = 1000


def fitted(raw: Raw, source: OwnData) -> Dataset:
    """A dataset of what was read.

    Raises:
        InputError: shapes that do not agree, NaN or inf, a split without examples, one class only.
    """
    _check_shapes(raw, source)
    targets = own_targets.read(raw, source)
    inputs = [_as_features(raw.inputs, raw.called[0], raw, source)]
    if raw.test_inputs is not None:
        inputs.append(_as_features(raw.test_inputs, raw.called[2], raw, source))
    trained, tested = _split(raw, source, len(targets.values))
    joined = inputs[0] if len(inputs) == 1 else _joined(inputs, raw, source)
    parts = (joined[trained], targets.values[trained], joined[tested], targets.values[tested])
    _check_classes(source, targets, parts[1], parts[3], raw)
    _note(raw, source, targets, parts)
    if source.standardize:
        parts = _standardized(parts)
        if targets.class_names is None:
            parts = _standardized_targets(parts, raw.called[1])
    if targets.class_names is None:
        numbers = [part.astype(np.float32) for part in (parts[1], parts[3])]
        parts = (parts[0], numbers[0], parts[2], numbers[1])
    classes = None if targets.class_names is None else len(targets.class_names)
    shape = raw.inputs.shape[1:] or (1,)
    if raw.inputs.dtype == np.uint8 and len(shape) == 2:
        shape = (*shape, 1)  # grey images, as Keras saves MNIST
    return Dataset(source.path, *parts, classes, shape, targets.class_names)


def _check_shapes(raw: Raw, source: OwnData) -> None:
    """Refuse inputs and targets of different numbers of examples, and settings without effect."""
    faults = []
    pairs = [(raw.inputs, raw.targets)]
    if raw.test_inputs is not None and raw.test_targets is not None:
        pairs.append((raw.test_inputs, raw.test_targets))
    for (inputs, targets), names in zip(pairs, (raw.called[:2], raw.called[2:]), strict=False):
        if inputs.ndim == 0 or 0 in inputs.shape:
            faults.append(
                f"{names[0]} has shape {inputs.shape}: there is no example, or no feature"
            )
        elif targets.ndim and len(inputs) != len(targets):
            counts = f"{len(inputs):,} examples in {names[0]} and {len(targets):,} in {names[1]}"
            faults.append(f"{counts}: allowed are as many")
    if raw.test_inputs is not None:
        if raw.inputs.shape[1:] != raw.test_inputs.shape[1:]:
            shapes = f"{raw.inputs.shape[1:]} in {raw.called[0]}, {raw.test_inputs.shape[1:]} in"
            faults.append(f"examples of shape {shapes} {raw.called[2]}: allowed is one shape")
        if source.test_share != OwnData.test_share:
            faults.append("test_share has no effect: it has a test set of its own")
        if source.split_seed and not raw.shuffled:
            faults.append("split_seed has no effect: it has a test set of its own")
    if source.target and raw.columns is None:
        faults.append("target names a column of a .csv or .parquet, and this has none")
    if faults:
        raise refused(source.path, *faults)


def _as_features(inputs: np.ndarray, name: str, raw: Raw, source: OwnData) -> np.ndarray:
    """Inputs flat: uint8 pixels as they are, all other numbers as finite float32."""
    flat = inputs.reshape(len(inputs), -1)
    if flat.dtype == np.uint8:
        return flat
    if flat.dtype == np.uint16 and inputs.ndim > 2:
        raise refused(
            source.path,
            f"{name} holds images of 16 bits; allowed are 8 bits a channel, or floats",
            hint=f"({name} // 257).astype('uint8'), or ({name} / 65535).astype('float32')",
        )
    if flat.dtype.kind not in "buif":
        raise refused(source.path, f"{name} is {flat.dtype}; allowed are numbers")
    if flat.dtype.kind == "f" and not np.isfinite(flat).all():
        bad = np.argwhere(~np.isfinite(flat))
        row, feature = bad[0]
        where = f"{_place(name, row, feature, inputs, raw)} is {flat[row, feature]}"
        more = f"; so are {len(bad):,} in all" if len(bad) > 1 else ""
        raise refused(source.path, where + more)
    if flat.dtype.kind == "f" and float(np.abs(flat).max()) > _FLOAT32_MAX:
        row, feature = np.argwhere(np.abs(flat) > _FLOAT32_MAX)[0]
        where = f"{_place(name, row, feature, inputs, raw)} is {flat[row, feature]:g}"
        raise refused(source.path, f"{where}, which is beyond float32 ({_FLOAT32_MAX:.3g})")
    if flat.dtype == np.float64 and raw.columns is None:
        log.info("%s: %s is float64, trained on as float32", source.path, name)
    return flat.astype(np.float32)


def _place(name: str, row: int, feature: int, inputs: np.ndarray, raw: Raw) -> str:
    if raw.columns is not None:
        return f"column {raw.columns[feature]}, row {row + 1:,}"
    index = np.unravel_index(feature, inputs.shape[1:]) if inputs.ndim > 1 else ()
    return f"{name}[{', '.join(str(int(i)) for i in (row, *index))}]"


def _split(raw: Raw, source: OwnData, examples: int) -> tuple[np.ndarray, np.ndarray]:
    """Which examples are trained on, in which order, and which are the test set's."""
    rng = np.random.default_rng(source.split_seed)
    if raw.test_inputs is not None:
        trained = len(raw.inputs)
        order = rng.permutation(trained) if raw.shuffled else np.arange(trained)
        return order, np.arange(trained, examples)
    tested = round(source.test_share * examples)
    if not 0 < tested < examples:
        part = "test" if tested == 0 else "training"
        raise refused(
            source.path,
            f"a {part} set of no examples: test_share = {source.test_share:g} of {examples:,}",
        )
    order = rng.permutation(examples)
    return order[tested:], order[:tested]


def _joined(inputs: list[np.ndarray], raw: Raw, source: OwnData) -> np.ndarray:
    if inputs[0].dtype != inputs[1].dtype:
        kinds = f"{raw.called[0]} is {inputs[0].dtype} and {raw.called[2]} {inputs[1].dtype}"
        raise refused(
            source.path, f"{kinds}: allowed is one type (uint8 is pixels, divided by 255)"
        )
    return np.concatenate(inputs)


def _check_classes(
    source: OwnData, targets: own_targets.Targets, train: np.ndarray, test: np.ndarray, raw: Raw
) -> None:
    names = targets.class_names
    if names is None:
        return
    existing = np.unique(train)
    if len(existing) == 1:
        where = "it" if raw.test_inputs is None and len(names) == 1 else "the training set"
        raise refused(
            source.path, f"{where} has one class only, {names[existing[0]]}: allowed are 2"
        )
    if len(unseen := np.setdiff1d(test, existing)):
        listed = ", ".join(names[label] for label in unseen[:MOST_NAMED])
        log.warning("%s: only the test set has the classes %s", source.path, listed)
    first = np.unique(train[:PROBE])
    if raw.test_inputs is not None and len(train) > PROBE and len(first) == 1 < len(existing):
        log.warning(
            "%s: the first 1,000 training examples, on which units are probed, are all of class %s:"
            " shuffle them",
            source.path,
            names[first[0]],
        )


def _note(raw: Raw, source: OwnData, targets: own_targets.Targets, parts: Parts) -> None:
    """A line of what is trained on, and one of each thing that one would want to know."""
    trained, train_targets, tested, _ = parts
    shape = "×".join(map(str, raw.inputs.shape[1:] or (1,)))
    features = f"{shape} pixels" if trained.dtype == np.uint8 else f"{shape} features"
    sizes = f"{len(trained):,} training and {len(tested):,} test examples of {features}"
    log.info("%s: %s; %s", source.path, sizes, targets.chosen)
    constant = np.flatnonzero(trained.min(axis=0) == trained.max(axis=0))
    if len(constant) and trained.dtype != np.uint8:
        log.warning("%s: %s", source.path, _constant(constant, trained.shape[1], raw))
    if source.standardize or trained.dtype == np.uint8:
        return
    large = [f"features up to {most:.3g}"] if (most := np.abs(trained).max()) > LARGE else []
    if targets.class_names is None and (most := np.abs(train_targets).max()) > LARGE:
        large.append(f"targets up to {most:.3g}")
    if large:
        said = " and ".join(large)
        log.warning("%s: %s train badly as they are; try standardize = true", source.path, said)


def _constant(constant: np.ndarray, features: int, raw: Raw) -> str:
    """Said and not refused: a network learns as without it, and pixels at the rim are constant."""
    if raw.columns is None:
        return f"{len(constant):,} of {features:,} features are constant in the training set"
    names = [raw.columns[index] for index in constant]
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    listed = ", ".join(names[:MOST_NAMED]) + more
    return f"constant in the training set, of no use: {listed}"


def _standardized(parts: Parts) -> Parts:
    """(x − mean) / standard deviation, both of the training examples; a constant becomes 0."""
    trained, train_targets, tested, test_targets = parts
    mean, deviation = trained.mean(axis=0, dtype=np.float64), trained.std(axis=0, dtype=np.float64)
    # Of a constant the computed deviation may be a rounding error.
    constant = trained.min(axis=0) == trained.max(axis=0)
    mean = np.where(constant, trained[0], mean)
    deviation = np.where(constant | (deviation == 0), 1.0, deviation)
    inputs = [((part - mean) / deviation).astype(np.float32) for part in (trained, tested)]
    return inputs[0], train_targets, inputs[1], test_targets


def _standardized_targets(parts: Parts, name: str) -> Parts:
    """The same of a regression's targets: a network starts near 0, and steps are of its size."""
    trained, train_targets, tested, test_targets = parts
    mean, deviation = float(train_targets.mean()), float(train_targets.std())
    deviation = deviation or 1.0
    log.info(
        "%s is standardized: a loss of 1 is that of predicting its mean, √loss × %.4g is an error "
        "in its own units",
        name,
        deviation,
    )
    scaled = [(part - mean) / deviation for part in (train_targets, test_targets)]
    return trained, scaled[0], tested, scaled[1]
