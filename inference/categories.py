"""Which items have which value of a categorical column."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import csc_array, csr_array


@dataclass(frozen=True)
class Categories:
    """The values of one categorical column.

    Attributes:
        values: all values, ascending.
        membership: which item has which value [num_items, num_values] bool.
    """

    values: list[str]
    membership: csr_array

    @cached_property
    def codes(self) -> dict[str, int]:
        """Place in `values` by value."""
        return {value: code for code, value in enumerate(self.values)}

    @cached_property
    def _by_value(self) -> csc_array:
        return self.membership.tocsc()

    def find_items(self, code: int) -> np.ndarray:
        """Positions of the items that have a value [num_found] int32, ascending."""
        start, stop = self._by_value.indptr[code : code + 2]
        items: np.ndarray = self._by_value.indices[start:stop]
        return items


def index_categories(column: pd.Series) -> Categories:
    """Builds the index of a column of lists of strings, as the items table has them."""
    item = np.repeat(np.arange(len(column)), column.map(len).to_numpy(np.int64))
    values = np.array([value for row in column for value in row], dtype=object)
    codes, names = pd.factorize(values, sort=True)
    membership = csr_array((np.ones(len(codes), bool), (item, codes)), shape=(len(column), len(names)))
    membership.sum_duplicates()
    return Categories(list(names), membership)
