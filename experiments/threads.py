"""A network's calls shared out to threads, a part of the batch each.

On a few cores this is faster than threads that share each layer (benchmarks/README.md).
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import torch


def shares(values, n, threads):
    """Each thread's part of n values (n,); all of them get what is one value for all images (1,), or None."""
    if values is None or len(values) < n:
        return [values] * threads
    return values.chunk(threads)


def shared_out(network):
    """The network, each of torch's threads with a part of the batch, wherever no gradient is asked for."""
    threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(threads, initializer=partial(torch.set_num_threads, 1))

    @torch.no_grad()  # which a thread does not inherit
    def answer(*part):
        return network(*part)

    def called(x_t, t, y=None):
        if threads == 1 or torch.is_grad_enabled():
            return network(x_t, t, y)
        parts = (shares(each, len(x_t), threads) for each in (x_t, t, y))
        return torch.cat(list(pool.map(answer, *parts)))

    return called
