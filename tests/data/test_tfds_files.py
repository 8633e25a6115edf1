"""Reachability of a dataset's hosts: asked all at once, and not for long."""

from __future__ import annotations

import http.server
import threading
from pathlib import Path

import pytest

from reluprobe import data
from reluprobe.data import tfds_files
from reluprobe.errors import DatasetError
from small_datasets import IDX_FILES


def test_without_a_network_both_ways_out_are_named(offline: list[str], tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="kmnist .* no answer from codh.rois.ac.jp") as e:
        data.load("kmnist", cache_dir=tmp_path)
    assert len(offline) == 1  # each host is asked once, whatever the number of its files
    hint = str(e.value.hint)
    assert "connect to the network once" in hint and "--manual-dir DIR" in hint
    assert all(f"http://codh.rois.ac.jp/kmnist/dataset/kmnist/{f}" in hint for f in IDX_FILES)


def test_a_name_server_that_never_answers_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    never = threading.Event()
    monkeypatch.setattr(tfds_files, "_SECONDS", 0.01)
    monkeypatch.setattr(tfds_files, "head", lambda url: never.wait())
    assert not tfds_files.answers(["http://a.test/x"])
    never.set()


def test_one_host_that_answers_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfds_files, "head", lambda url: "b.test" in url)
    assert tfds_files.answers(["http://a.test/x", "https://b.test/y"])
    assert not tfds_files.answers(["http://a.test/x", "https://c.test/y"])


@pytest.mark.parametrize(
    ("status", "answer"), [(200, True), (403, True), (404, True), (503, False)]
)
def test_any_answer_but_a_server_error_counts(
    monkeypatch: pytest.MonkeyPatch, status: int, answer: bool
) -> None:
    import requests

    def head(url: str, timeout: float) -> requests.Response:
        assert 0 < timeout < 10
        response = requests.Response()
        response.status_code = status
        return response

    monkeypatch.setattr(requests, "head", head)
    assert tfds_files.head("http://a.test/x") is answer


def test_a_refused_connection_is_no_answer() -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    server.server_close()  # nobody listens on its port any more
    assert not tfds_files.head(f"http://127.0.0.1:{server.server_port}/x")
