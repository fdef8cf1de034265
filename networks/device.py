"""The batch of networks as torch matrix products, on a CPU or a GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numpy.typing import NDArray

from networks.batch import Networks

if TYPE_CHECKING:
    import torch


def torch_outputs(
    networks: Networks,
    patterns: NDArray | torch.Tensor,
    device: str = "cpu",
    dtype: torch.dtype | None = None,
    slope: float = 20.0,
    activation: str = "tanh",
) -> torch.Tensor:
    """Values of the output nodes on all patterns, one batched matrix product a layer.

    Sums of small integers are exact in float32, and so is tanh(20 x) of them: for the papers' networks the
    result equals the integer form.

    Args:
        networks: the batch.
        patterns: input values, shape (patterns, inputs).
        device: a torch device.
        dtype: default torch.float32.
        slope: factor on the weighted sum.
        activation: "tanh", "sigmoid", "step", "relu" or "linear".

    Returns:
        Tensor on `device`, shape (networks, outputs, patterns).

    Raises:
        ValueError: an unknown activation or patterns of the wrong width.
    """
    import torch

    functions = {
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "step": torch.sign,
        "relu": torch.relu,
        "linear": lambda x: x,
    }
    if activation not in functions:
        raise ValueError(f"activation: {activation!r}: allowed are {', '.join(functions)}")
    topology = networks.topology
    dtype = dtype or torch.float32
    values = torch.as_tensor(patterns, dtype=dtype, device=device).T
    if values.shape[0] != topology.inputs:
        raise ValueError(f"patterns: {values.shape[0]} values each: allowed is {topology.inputs}, one an input")
    weights = torch.as_tensor(networks.weights, device=device).to(dtype)
    biases = torch.as_tensor(networks.biases, device=device).to(dtype)
    x = values.expand(len(networks), -1, -1)
    for layer in range(1, len(topology.layers)):
        begin, end = int(topology.first[layer]), int(topology.first[layer + 1])
        block = weights[:, int(topology.incoming[begin]) : int(topology.incoming[end])]
        matrix = block.reshape(len(networks), end - begin, topology.layers[layer - 1])
        x = functions[activation](slope * torch.baddbmm(biases[:, begin:end, None], matrix, x))
    return x
