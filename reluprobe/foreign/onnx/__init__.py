"""ONNX files as JAX functions: computed exactly, or refused by the name of what is not known."""

from reluprobe.foreign.onnx.network import Input, OnnxNetwork
from reluprobe.foreign.onnx.reader import read
from reluprobe.foreign.onnx.state import with_state

__all__ = ["Input", "OnnxNetwork", "read", "with_state"]
