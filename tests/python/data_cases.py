# Orders drawn by samplers, loaders and splits, with any module that has torch's names: run with PyTorch
# by tests/golden/gen_data.py, and with minitorch by test_data.py.
import itertools
import zlib


def state(torch):
    return zlib.crc32(bytes(torch.get_rng_state().tolist()))


def cases(torch, data, workers=0):
    """{name: numbers}."""
    out = {}

    def generator(seed):
        return torch.Generator().manual_seed(seed)

    def loader(name, epochs=2, seed=5, n=23, **kwargs):
        torch.manual_seed(seed)
        dl = data.DataLoader(data.TensorDataset(torch.arange(n)), num_workers=workers, **kwargs)
        batches = [b[0].tolist() for _ in range(epochs) for b in dl]
        out[name] = [batches, state(torch)]

    loader("in order", batch_size=4)
    loader("shuffled", batch_size=4, shuffle=True)
    loader("drop last", batch_size=4, shuffle=True, drop_last=True)
    loader("whole batches", n=24, batch_size=4, shuffle=True)
    loader("generator", batch_size=5, shuffle=True, generator=generator(9))
    loader("one by one", batch_size=1, shuffle=True, n=6)
    ds = range(23)
    loader("replacement", batch_size=7, sampler=data.RandomSampler(ds, True, 70))
    loader("more than all", batch_size=7, sampler=data.RandomSampler(ds, num_samples=50))
    loader("subset", batch_size=4, sampler=data.SubsetRandomSampler([3, 1, 4, 15, 9]))
    loader("weighted", batch_size=4, sampler=data.WeightedRandomSampler([0.1] * 10 + [0.9] * 5, 20))
    loader("weighted once", batch_size=4,
           sampler=data.WeightedRandomSampler([0.1] * 10 + [0.9] * 5, 6, replacement=False))
    loader("batch sampler", batch_sampler=data.BatchSampler(data.RandomSampler(ds), 6, True))
    for seed in (0, 42):
        for lengths in ([3, 7, 13], [0.3, 0.7], [1 / 3, 1 / 3, 1 / 3], [23]):
            torch.manual_seed(seed)
            parts = data.random_split(ds, lengths)
            out[f"split {seed} {lengths}"] = [[list(p.indices) for p in parts], state(torch)]
    parts = data.random_split(ds, [10, 13], generator=generator(7))
    out["split generator"] = [list(p.indices) for p in parts]
    torch.manual_seed(3)
    broken = data.DataLoader(data.TensorDataset(torch.arange(40)), 4, shuffle=True)
    out["broken off"] = [[b[0].tolist() for b in itertools.islice(broken, 3)], torch.rand(2).tolist(),
                         [b[0].tolist() for b in broken]]
    return out
