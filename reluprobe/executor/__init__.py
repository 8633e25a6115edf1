"""Executors: where a sweep's runs are trained, in this process or on many machines.

``local`` is this process. Everything else is an ``interface.Executor``, which ``dispatch`` feeds
with ``chunks`` of the sweep's runs; ``worker`` is what trains a chunk, wherever it lands. Truth is
in the records: an executor may die, and the same command resumes from what is in the folder.
"""
