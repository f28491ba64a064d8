"""A pretended accelerator: tensors that lie apart from the CPU's, so that code which mixes both fails without a GPU.

Every operation is worked on by the CPU, after a check that its tensors lie on one device. As on a graphics processor,
numbers (tensors without axes) and indices may lie on the CPU, copies go both ways, and generators draw where they live.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.backend_registration import _DummyBackendModule, _setup_privateuseone_for_python_backend

NAME = "pretended"

# Operations that may see tensors of both: copies, and indices.
_MIXED = ("aten::copy_", "aten::_to_copy", "aten::index", "aten::index_put_", "aten::_index_put_impl_")


class Apart(torch.Tensor):
    """A tensor on the pretended accelerator; ``raw`` is where its values are."""

    raw: torch.Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, raw):
        layout = {"strides": raw.stride(), "storage_offset": raw.storage_offset(), "dtype": raw.dtype}
        found = torch.Tensor._make_wrapper_subclass(cls, raw.shape, **layout, device=f"{NAME}:0")
        found.raw = raw
        return found

    def __repr__(self, **_):
        return f"Apart({self.raw!r})"

    @classmethod
    def __torch_dispatch__(cls, op, types, args=(), kwargs=None):
        return worked(op, args, kwargs or {})


class _Factories(TorchDispatchMode):
    """Tensors that are made on the pretended accelerator, or brought there."""

    def __torch_dispatch__(self, op, types, args=(), kwargs=None):
        return worked(op, args, kwargs or {})


class _FromNumbers(TorchFunctionMode):
    """Tensors of numbers and indices of numbers, which PyTorch brings to a device without asking any backend."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if function is torch.Tensor.tolist and isinstance(args[0], Apart):
            return args[0].raw.tolist()
        if function in _PRODUCTS and any(isinstance(factor, Apart) for factor in args):
            return _product(function, *args)
        if function is torch.Tensor.new_tensor and isinstance(args[0], Apart):
            return torch.tensor(*args[1:], **({"dtype": args[0].dtype} | kwargs)).to(args[0].device)
        if function is torch.tensor and torch.device(kwargs.get("device") or "cpu").type == NAME:
            return torch.tensor(*args, **{**kwargs, "device": "cpu"}).to(NAME)
        if function in (torch.Tensor.__getitem__, torch.Tensor.__setitem__) and isinstance(args[0], Apart):
            index = args[1] if isinstance(args[1], tuple) else (args[1],)
            index = tuple(torch.tensor(part) if isinstance(part, list) else part for part in index)
            return function(args[0], index, *args[2:], **kwargs)
        return function(*args, **kwargs)


_PRODUCTS = (torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__, torch.Tensor.__rmatmul__)


def _product(function, left, right):
    """A product of matrices; a vector's axis is added and taken away here: PyTorch's way changes a shape in place."""
    found = function(left if left.ndim > 1 else left[None], right if right.ndim > 1 else right[:, None])
    shape = [*found.shape[:-2], *found.shape[-2:][left.ndim == 1 : 1 if right.ndim == 1 else 2]]
    return found.reshape(shape)


def worked(op, args, kwargs):
    """One operation, by the CPU."""
    flat = []

    def here(value):
        flat.append(value)
        if isinstance(value, Apart):
            return value.raw
        return torch.device("cpu") if isinstance(value, torch.device) and value.type == NAME else value

    inner_args, inner_kwargs = _mapped(here, args), {name: _mapped(here, value) for name, value in kwargs.items()}
    owners = {id(value.raw): value for value in flat if isinstance(value, Apart)}
    onto = kwargs.get("device")
    there = torch.device(onto).type == NAME if onto is not None else bool(owners)
    if not owners and not there:
        return op(*args, **kwargs)
    _refuse_mixed(op, flat, there=there)
    found = op(*inner_args, **inner_kwargs)
    if op._schema.name == "aten::copy_":
        return args[0]

    def placed(value):
        if not isinstance(value, torch.Tensor) or not there:
            return value
        # A wrapper knows nothing of a conjugation that is put off.
        return owners[id(value)] if id(value) in owners else Apart(value.resolve_conj().resolve_neg())

    return _mapped(placed, found)


def _mapped(change, value):
    """The same lists and tuples of other values; far quicker than PyTorch's for any tree, which is most of the work."""
    if isinstance(value, (list, tuple)):
        return type(value)([_mapped(change, part) for part in value])
    return change(value)


def _refuse_mixed(op, flat, *, there):
    name = op._schema.name
    elsewhere = [v for v in flat if isinstance(v, torch.Tensor) and not isinstance(v, Apart) and v.ndim]
    if name not in _MIXED and elsewhere:
        shapes = [tuple(value.shape) for value in elsewhere]
        raise RuntimeError(f"{name}: tensors on {NAME} and, of shapes {shapes}, on the CPU")
    if there and any(isinstance(value, torch.Generator) for value in flat):
        raise RuntimeError(f"{name}: a generator on the CPU draws nothing on {NAME}")


class _Backend(_DummyBackendModule):
    """What PyTorch asks a backend for; it draws nothing, so that the state of its generator is empty."""

    def get_rng_state(self, device=None):
        return torch.empty(0, dtype=torch.uint8)

    def set_rng_state(self, state, device=None):
        return None


# At once: the first gradient of a process counts the devices that there are.
_setup_privateuseone_for_python_backend(NAME, backend_module=_Backend())


@contextmanager
def accelerator() -> Iterator[torch.device]:
    """The pretended accelerator, for as long as the context lasts."""
    with _Factories(), _FromNumbers():
        yield torch.device(NAME)
