#!/usr/bin/env python3
"""Records gradients of a real data-parallel training run, for the accuracy bench and the examples.

A small convolutional network learns scikit-learn's handwritten digits. Every step, each worker
computes the gradient of its own shard of the batch in fp32; the gradients are averaged and applied.
Of one early and one late step, each worker's gradient (before averaging) is written to
`gradients/{early,late}/worker-{rank}.safetensors`, with tensors named as PyTorch names them. With
`--elements`, only a sample of the parameters is kept, all workers in one file
`{early,late}.safetensors`: a tensor `gradients` of one row per worker.

Needs torch, scikit-learn, numpy and safetensors; see README.md for the versions used.
"""

import argparse
import json
import platform
from pathlib import Path

import numpy
import sklearn
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

SEED = 20220404
# Per worker and step. Eight workers make a batch of 128.
SHARD = 16
EARLY_STEP = 3
LEARNING_RATE = 0.05
MOMENTUM = 0.9


class DigitsNet(nn.Module):
    """Two convolutions, then two dense layers, on 8x8 grey images."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, padding=1)
        self.dense1 = nn.Linear(32 * 2 * 2, 96)
        self.dense2 = nn.Linear(96, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = nn.functional.max_pool2d(nn.functional.relu(self.conv1(images)), 2)
        x = nn.functional.max_pool2d(nn.functional.relu(self.conv2(x)), 2)
        x = nn.functional.relu(self.dense1(x.flatten(1)))
        return self.dense2(x)


def digits() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    images, labels = load_digits(return_X_y=True)
    images = (images / 16.0).astype(numpy.float32).reshape(-1, 1, 8, 8)
    split = train_test_split(images, labels, test_size=0.2, random_state=SEED, stratify=labels)
    train_x, test_x, train_y, test_y = (torch.from_numpy(numpy.ascontiguousarray(part)) for part in split)
    return train_x, test_x, train_y, test_y


def accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    with torch.no_grad():
        return (model(images).argmax(1) == labels).float().mean().item()


def worker_gradient(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> tuple[dict[str, torch.Tensor], float]:
    model.zero_grad()
    loss = nn.functional.cross_entropy(model(images), labels)
    loss.backward()
    return {name: p.grad.detach().clone() for name, p in model.named_parameters()}, loss.item()


def sample(gradients: list[dict[str, torch.Tensor]], elements: int) -> torch.Tensor:
    """The same random parameters of each worker; only those that at least two workers have a gradient for."""
    rows = torch.stack([torch.cat([tensor.flatten() for tensor in gradient.values()]) for gradient in gradients])
    shared = ((rows != 0).sum(0) >= 2).nonzero().flatten()
    chosen = shared[torch.randperm(len(shared), generator=torch.Generator().manual_seed(SEED))[:elements]]
    return rows[:, chosen.sort().values].contiguous()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--steps", type=int, default=600, help="the last step is the late one")
    parser.add_argument("--shard", type=int, default=SHARD, help="images of a worker and step")
    parser.add_argument("--elements", type=int, help="keep a sample of so many parameters; default: all")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "gradients")
    args = parser.parse_args()

    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    # One thread: the order of sums inside an operator does not depend on the machine's core count.
    torch.set_num_threads(1)

    train_x, test_x, train_y, test_y = digits()
    model = DigitsNet()
    optimiser = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    batch = args.shard * args.workers
    order = torch.Generator().manual_seed(SEED)
    phases = {EARLY_STEP: "early", args.steps: "late"}
    report = {
        "parameters": sum(p.numel() for p in model.parameters()),
        "workers": args.workers,
        "shard": args.shard,
        "seed": SEED,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "scikit-learn": sklearn.__version__,
        "numpy": numpy.__version__,
        "phases": {},
    }

    permutation = torch.empty(0, dtype=torch.long)
    for step in range(1, args.steps + 1):
        if len(permutation) < batch:
            permutation = torch.randperm(len(train_x), generator=order)
        chosen, permutation = permutation[:batch], permutation[batch:]
        shards = chosen.split(args.shard)
        results = [worker_gradient(model, train_x[shard], train_y[shard]) for shard in shards]
        gradients = [gradient for gradient, _ in results]
        loss = sum(value for _, value in results) / len(results)

        if phase := phases.get(step):
            folder = args.output if args.elements else args.output / phase
            folder.mkdir(parents=True, exist_ok=True)
            if args.elements:
                save_file({"gradients": sample(gradients, args.elements)}, folder / f"{phase}.safetensors")
            for rank, gradient in enumerate([] if args.elements else gradients):
                save_file(gradient, folder / f"worker-{rank}.safetensors")
            report["phases"][phase] = {
                "step": step,
                "batch_loss": round(loss, 6),
                "test_accuracy": round(accuracy(model, test_x, test_y), 4),
            }

        for name, parameter in model.named_parameters():
            parameter.grad = torch.stack([gradient[name] for gradient in gradients]).mean(0)
        optimiser.step()

    report["test_accuracy_after"] = round(accuracy(model, test_x, test_y), 4)
    (args.output / "recording.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
