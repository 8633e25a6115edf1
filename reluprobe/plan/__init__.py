"""A sweep as runs: product, zip, include and exclude; ids, groups, slices, differences."""
