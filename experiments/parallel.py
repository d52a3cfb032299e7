"""Several processes that train one network together, as torchrun starts them; with one process nothing happens.

    torchrun --nproc-per-node 2 train.py --data mnist

Each process computes the gradient on its share of the batch, and DistributedDataParallel averages the gradients, so
that the weights are the same in all of them. The first process, rank 0, writes the files and measures.
"""

import os

import torch
import torch.distributed as dist
import torch.distributed.nn  # here, for imported once there is a group, as torch would, it holds that for ever
from torch.nn.parallel import DistributedDataParallel


def processes():
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", 1))


def rank():
    """The number of this process, from 0."""
    return int(os.environ.get("RANK", 0))


def local_rank():
    """The number of this process on its machine, from 0: which of several GPUs is its own."""
    return int(os.environ.get("LOCAL_RANK", 0))


def start(device):
    """Join the other processes; the device of this one: on a machine with several GPUs, one GPU each."""
    if processes() == 1:
        return device
    if device == "cuda":
        device = f"cuda:{local_rank()}"
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    return device


def from_first(function):
    """function() called by rank 0 only; its result, or its exception, in every process."""
    if processes() == 1:
        return function()
    answer = [None, None]
    if rank() == 0:
        try:
            answer[0] = function()
        except Exception as error:  # passed on, so that no process waits for ever
            answer[1] = error
    dist.broadcast_object_list(answer)
    result, error = answer
    if error is not None:
        raise error
    return result


def replica(network):
    """The network, such that backward leaves in each process the gradient averaged over all."""
    return network if processes() == 1 else DistributedDataParallel(network)


def averaged(loss):
    """The loss with its value averaged over all processes, and the gradient of this one's share.

    So all of them see the same loss, and if it is not finite in one, all of them stop.
    """
    if processes() == 1:
        return loss
    mean = loss.detach().clone()
    dist.all_reduce(mean)
    return loss + (mean / processes() - loss).detach()


def own_generator(generator):
    """Randomness of this process alone, drawn from a generator that is the same in all.

    All processes advance the common generator alike, so its state in a checkpoint serves any number of them.
    """
    if processes() == 1:
        return generator
    seed = torch.randint(2**62, (), generator=generator, device=generator.device)
    return torch.Generator(generator.device).manual_seed(int(seed) + rank())


def finish():
    """Leave the group, all at once: none is gone while another may still be waiting for it.

    Its threads end here, if no `replica` is left that holds it: one that were still at work when Python ends would
    abort the process.
    """
    if processes() > 1:
        dist.barrier()
        dist.destroy_process_group()
