"""Device memory: how it is known that there is too little of it, and what to say."""

from __future__ import annotations

from reluprobe.errors import ReluprobeError

#: How XLA, its allocators and NVIDIA's libraries say that a device has too little memory. A library
#: needs some beside what JAX has taken, and says most often that it could not be initialized: see
#: "Why do some CUDA libraries fail to load/initialize?" in JAX's FAQ, and jax-ml/jax#7118, #15361,
#: #17217 and #21950.
NO_MEMORY = (
    *("RESOURCE_EXHAUSTED", "out of memory", "OUT_OF_MEMORY", "failed to allocate", "bad_alloc"),
    *("cudaErrorMemoryAllocation", "hipErrorOutOfMemory", "STATUS_ALLOC_FAILED"),
    *("create cublas handle", "CUBLAS_STATUS_NOT_INITIALIZED", "without BLAS support"),
    *("create cudnn handle", "CUDNN_STATUS_NOT_INITIALIZED", "CUDNN_STATUS_INTERNAL_ERROR"),
    *("DNN library initialization failed", "without DNN support"),
    *("solverDnCreate", "cuSolver internal error", "CUSOLVER_STATUS_NOT_INITIALIZED"),
)


def out_of_memory(error: BaseException) -> bool:
    """Whether less at a time may help."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(sign.lower() in text for sign in NO_MEMORY)


def memory_held(error: str) -> ReluprobeError:
    """The error where work that would fit an idle device does not."""
    return ReluprobeError(
        "the device's memory is held by other processes: what would fit an idle one does not "
        f"({error.splitlines()[0]})",
        hint="nvidia-smi shows who holds it: end that, or start each of them with "
        "XLA_PYTHON_CLIENT_MEM_FRACTION=0.4, say; where nobody does, CUDA is not installed as it "
        "should be. Runs that had ended are kept, and the same again goes on",
    )
