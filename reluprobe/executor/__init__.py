"""Where a sweep's runs are trained: in this process, or by an engine that has many machines.

``local`` is this process. Everything else is an ``interface.Executor``, which ``drive`` feeds with
``chunks`` of the plan; what becomes of a chunk, wherever it lands, is in ``work``. Truth is in the
records: an executor may die, and the same command goes on from what lies in the folder.
"""
