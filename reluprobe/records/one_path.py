"""One path: records of one file that was moved between runs name it alike."""

from __future__ import annotations

import dataclasses

from reluprobe.records.schema import RunRecord


class OnePath:
    """Gives records the path under which their file was seen first.

    What makes a file a dataset of its own is its SHA-256. Two paths of one would part runs that
    differ in nothing.
    """

    def __init__(self) -> None:
        self.paths: dict[str, str] = {}

    def of(self, record: RunRecord) -> RunRecord:
        """The record, under that path."""
        config = record.ours
        if config is None or not config.data_sha256:
            return record
        path = self.paths.setdefault(config.data_sha256, config.dataset)
        if path == config.dataset:
            return record
        return dataclasses.replace(record, config=dataclasses.replace(config, dataset=path))
