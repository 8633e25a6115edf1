"""Any other dataset of TFDS: flattened, or refused with the reason."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reluprobe import data
from reluprobe.data import tfds as tfds_data
from reluprobe.errors import DatasetError, InputError


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes TFDS hold a dataset ``shapes`` with the features and splits asked for.

    A real builder, which TFDS prepares and reads; it gives Pillow images, so that it can be
    prepared where TensorFlow is not installed.
    """
    import tensorflow_datasets as tfds
    from PIL import Image

    def hold(features: dict[str, Any], splits: tuple[str, ...] = ("train", "test")) -> None:
        class Shapes(tfds.core.GeneratorBasedBuilder, skip_registration=True):
            VERSION = tfds.core.Version("1.0.0")

            def _info(self) -> Any:
                spec = tfds.features.FeaturesDict(features)
                return tfds.core.DatasetInfo(builder=self, features=spec)

            def _split_generators(self, dl_manager: Any) -> Any:
                return {split: self._generate_examples() for split in splits}

            def _generate_examples(self) -> Any:
                for i in range(6):
                    pixels = np.full((4, 5, 3), i, np.uint8)
                    yield i, {"image": Image.fromarray(pixels), "label": i % 3}

        monkeypatch.setattr(tfds, "builder", lambda name, data_dir: Shapes(data_dir=data_dir))
        monkeypatch.setattr(tfds, "builder_cls", lambda name: Shapes)
        monkeypatch.setattr(tfds, "list_builders", lambda with_community_datasets: ["shapes"])
        monkeypatch.setattr(tfds_data, "import_tensorflow", lambda name: None)

    return hold


def test_another_dataset_of_tfds_is_flattened(made_up: Any, tmp_path: Path) -> None:
    import tensorflow_datasets as tfds

    image = tfds.features.Image(shape=(4, 5, 3))
    made_up({"image": image, "label": tfds.features.ClassLabel(num_classes=3)})
    dataset = data.load("shapes", cache_dir=tmp_path)
    assert (dataset.name, dataset.classes) == ("shapes", 3)
    assert dataset.train_inputs.shape == dataset.test_inputs.shape == (6, 4 * 5 * 3)
    assert dataset.shape == (4, 5, 3)
    assert sorted(dataset.train_inputs[:, 0]) == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(dataset.train_inputs[:, 0] % 3, dataset.train_targets)


def test_nothing_is_left_in_the_temporary_folder(
    made_up: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow_datasets as tfds

    image = tfds.features.Image(shape=(4, 5, 3))
    made_up({"image": image, "label": tfds.features.ClassLabel(num_classes=3)})
    asks = tfds.core.DatasetInfo.initialize_from_bucket
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    data.load("shapes", cache_dir=tmp_path / "cache")
    assert not list((tmp_path / "temporary").iterdir())
    assert tfds.core.DatasetInfo.initialize_from_bucket is asks


def test_a_dataset_that_is_not_of_labelled_fixed_size_images_is_refused(
    made_up: Any, tmp_path: Path
) -> None:
    import tensorflow_datasets as tfds

    label = tfds.features.ClassLabel(num_classes=3)
    image = tfds.features.Image(shape=(4, 5, 3))
    tensor = tfds.features.Tensor(shape=(4, 5, 3), dtype=np.uint8)
    for features, message in [
        ({"image": image}, "has no 'label'"),
        ({"text": tfds.features.Text()}, "has no 'image' and no 'label'"),
        ({"image": tfds.features.Image(shape=(None, None, 3)), "label": label}, "no fixed size"),
        ({"image": image, "label": tfds.features.Text()}, "uint8 with None classes"),
        (
            {"image": tfds.features.Image(shape=(4, 5, 1), dtype=np.float32), "label": label},
            "float",
        ),
        ({"image": tensor, "label": label}, "not one image"),
    ]:
        made_up(features)
        with pytest.raises(InputError, match=f"got 'shapes'.*{message}.*allowed: uint8 images"):
            data.load("shapes", cache_dir=tmp_path)


def test_a_dataset_without_a_test_split_is_refused(made_up: Any, tmp_path: Path) -> None:
    import tensorflow_datasets as tfds

    label = tfds.features.ClassLabel(num_classes=3)
    made_up({"image": tfds.features.Image(shape=(4, 5, 3)), "label": label}, splits=("train",))
    with pytest.raises(InputError, match="has no split 'test'"):
        data.load("shapes", cache_dir=tmp_path)


def test_preparing_any_other_dataset_without_tensorflow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: list[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # as if it were not installed
    with pytest.raises(DatasetError, match="cifar10 needs TensorFlow") as e:
        data.load("cifar10", cache_dir=tmp_path)
    assert e.value.hint == 'pip install "reluprobe[tensorflow]"'
    with pytest.raises(DatasetError, match="titanic needs TensorFlow") as e:  # to be described
        data.load("titanic", cache_dir=tmp_path)
    assert e.value.hint == 'pip install "reluprobe[tensorflow]"'


def test_any_other_dataset_is_not_waited_for_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: list[str]
) -> None:
    monkeypatch.setattr(tfds_data, "import_tensorflow", lambda name: None)
    with pytest.raises(DatasetError, match="cifar10 .* no answer from www.cs.toronto.edu"):
        data.load("cifar10", cache_dir=tmp_path)
