"""pyshtrih, a Shtrih-M client by other people, as a witness of what our simulated registrar says on the wire.

It is of 2022, and its logging helper looks in `collections` for names that Python 3.10 took away from there.
"""

import collections
import collections.abc

for _name in ("Iterable", "Mapping"):
    if not hasattr(collections, _name):
        setattr(collections, _name, getattr(collections.abc, _name))

from pyshtrih import FD, CloseCheckError, Error, ItemSaleError, OpenCheckError, ShtrihM01F

__all__ = [
    "FD", "CloseCheckError", "Error", "ItemSaleError", "OpenCheckError", "ShtrihM01F",
]  # fmt: skip
