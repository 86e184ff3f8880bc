"""A mapping that cannot be changed, and that can be pickled and copied.

Results are frozen records, and what they map must be as frozen as they are. `types.MappingProxyType` would do, but
cannot be pickled, so a result could not come back from another process. This one is a `dict` that refuses every
change: reading it costs what reading a dict costs, and it compares equal to a plain dict of the same items.
"""

from __future__ import annotations

__all__ = ["FrozenMapping"]

from typing import Any, NoReturn, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class FrozenMapping(dict[K, V]):
    """A dict that refuses to change.

    Examples
    --------
    >>> import pickle
    >>> odds = FrozenMapping({"stress": 1.5})
    >>> pickle.loads(pickle.dumps(odds)) == odds == {"stress": 1.5}
    True
    >>> odds["stress"] = 2.0
    Traceback (most recent call last):
        ...
    TypeError: this mapping is frozen; copy it with dict(...) to change it
    """

    __slots__ = ()

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("this mapping is frozen; copy it with dict(...) to change it")

    __setitem__ = _refuse
    __delitem__ = _refuse
    __ior__ = _refuse
    clear = _refuse
    pop = _refuse
    popitem = _refuse
    setdefault = _refuse
    update = _refuse

    def __reduce__(self) -> tuple[type[FrozenMapping[K, V]], tuple[dict[K, V]]]:
        return type(self), (dict(self),)

    def copy(self) -> dict[K, V]:
        """Return a plain dict of the same items, which may be changed."""
        return dict(self)

    def __copy__(self) -> FrozenMapping[K, V]:
        return self

    def __or__(self, other: Any) -> Any:
        return dict(self) | other
