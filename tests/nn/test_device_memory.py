"""Too little memory on a device, in the words of XLA, its allocators and NVIDIA's libraries."""

from __future__ import annotations

from typing import Any

import jax
import pytest

from reluprobe.born import count, engine
from reluprobe.config import make_born_dead
from reluprobe.errors import ReluprobeError
from reluprobe.nn.device_memory import out_of_memory

#: As users have reported them.
OUT = [
    "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 5520758552 bytes.",
    "INTERNAL: Failed to allocate 822083584 bytes for new constant",
    "INTERNAL: failed to create cublas handle: cublas error",
    "INTERNAL: failed to create cublas handle: the resource allocation failed",
    "failed to create cublas handle: CUBLAS_STATUS_NOT_INITIALIZED",
    "failed to create cublas handle: CUBLAS_STATUS_ALLOC_FAILED",
    "INTERNAL: Attempting to perform BLAS operation using StreamExecutor without BLAS support",
    "FAILED_PRECONDITION: DNN library initialization failed. Look at the errors above for more",
    "Could not create cudnn handle: CUDNN_STATUS_INTERNAL_ERROR",
    "INTERNAL: CUDNN_STATUS_ALLOC_FAILED in cuda_dnn.cc",
    "INTERNAL: CUDA error: Failed call to cuDevicePrimaryCtxRetain: CUDA_ERROR_OUT_OF_MEMORY",
    "jaxlib/gpu/solver_handle_pool.cc:37: operation gpusolverDnCreate(&handle) failed: cuSolver "
    "internal error",
    "INTERNAL: cudaErrorMemoryAllocation : out of memory",
    "std::bad_alloc",
]
OTHERS = [
    "INVALID_ARGUMENT: Executable expected parameter 0 of size 4 but got buffer of size 8",
    "INTERNAL: ptxas exited with non-zero error code 65280",
    "UNIMPLEMENTED: no kernel for this type",
    "CUDA_ERROR_ILLEGAL_ADDRESS: an illegal memory access was encountered",
]


@pytest.mark.parametrize("text", OUT)
def test_too_little_memory_is_known_in_all_its_words(text: str):
    assert out_of_memory(jax.errors.JaxRuntimeError(text))


def test_so_is_python_s_own(run_of: Any):
    assert out_of_memory(MemoryError())


@pytest.mark.parametrize("text", OTHERS)
def test_other_errors_are_not_taken_for_it(text: str):
    assert not out_of_memory(jax.errors.JaxRuntimeError(text))


def test_born_dead_without_memory_is_one_sentence(monkeypatch: pytest.MonkeyPatch):
    def full(*_: Any) -> Any:
        raise jax.errors.JaxRuntimeError(OUT[2])

    monkeypatch.setattr(engine, "first_silent", full)
    with pytest.raises(ReluprobeError, match="held by other processes.*cublas handle"):
        count.measure(make_born_dead({"depth": 2, "width": 3}))
