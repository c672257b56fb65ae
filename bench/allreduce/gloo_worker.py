"""One rank of torch.distributed's Gloo over TCP: gloo_worker.py RANK WORKERS HOST:PORT REPEATS BYTES...

Rank 0 writes a line of JSON for each size, as bench/c/allreduce_mpi.c does.
"""

import json
import resource
import sys
import time

import torch
import torch.distributed as dist


WARM_UP_BYTES = 2**24
MOST_WARM_UPS = 50


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    store = f"tcp://{sys.argv.pop(3)}"
    rank, workers, repeats, *sizes = (int(text) for text in sys.argv[1:])
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=workers)
    for size in sizes:
        values = (torch.arange(size // 4) % 1000).float() * 0.001 * (rank + 1)
        # Without measuring, as often as bench/allreduce/load.ts says: connections, pages.
        for _ in range(max(1, min(MOST_WARM_UPS, WARM_UP_BYTES // size))):
            dist.all_reduce(values.clone())
        times, cpu = [], 0.0
        for _ in range(repeats):
            tensor = values.clone()
            dist.barrier()
            before, start = cpu_seconds(), time.perf_counter()
            dist.all_reduce(tensor)
            mine = time.perf_counter() - start
            cpu += cpu_seconds() - before
            slowest = torch.tensor([mine], dtype=torch.float64)
            dist.all_reduce(slowest, op=dist.ReduceOp.MAX)
            times.append(slowest.item())
        total = torch.tensor([cpu], dtype=torch.float64)
        dist.all_reduce(total)
        if rank == 0:
            print(json.dumps({"bytes": size, "cpuSeconds": total.item(), "seconds": times}), flush=True)
    dist.destroy_process_group()


main()
