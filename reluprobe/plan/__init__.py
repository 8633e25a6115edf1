"""Plan: a sweep as runs with ids, their groups by program, slices, and the diff of two plans."""
