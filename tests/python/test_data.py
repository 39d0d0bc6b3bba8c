"""minitorch.utils.data: torch's orders (goldens, and PyTorch itself where it is installed), workers,
errors, collating, iterated data sets, and every way to end early.
"""
import collections
import gc
import json
import os
import pathlib
import threading
import time
import unittest
import warnings

import numpy as np

import data_cases
import leak_check
import minitorch as torch
from minitorch.utils import data
from minitorch.vision import datasets, transforms

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden/data.json"


class Squares(data.Dataset):
    """(i, i * i) with a random number; `bad` raises."""

    def __init__(self, n, bad=(), error=ValueError):
        self.n, self.bad, self.error = n, bad, error

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if i in self.bad:
            raise self.error(f"no square of {i}")
        return i, float(i * i), torch.rand(1)


class Stream(data.IterableDataset):
    def __init__(self, start, end):
        self.start, self.end = start, end

    def __iter__(self):
        info = data.get_worker_info()
        part, parts = (0, 1) if info is None else (info.id, info.num_workers)
        return iter(range(self.start + part, self.end, parts))


def lists(loader):
    return [[f.tolist() for f in batch] for batch in loader]


class Orders(unittest.TestCase):
    def test_goldens(self):
        want = json.loads(GOLDEN.read_text())
        for workers in (0, 2):
            got = json.loads(json.dumps(data_cases.cases(torch, data, workers)))
            self.assertEqual(got.keys(), want.keys())
            for name in want:
                self.assertEqual(got[name], want[name], f"{name}, {workers} workers")

    def test_against_torch(self):
        try:
            import torch as theirs
            from torch.utils.data import DataLoader, TensorDataset
        except ImportError:
            self.skipTest("PyTorch is not installed")
        for seed in range(6):
            for n, size in ((1, 1), (7, 3), (100, 8)):
                torch.manual_seed(seed)
                theirs.manual_seed(seed)
                ours = data.DataLoader(data.TensorDataset(torch.arange(n)), size, shuffle=True)
                other = DataLoader(TensorDataset(theirs.arange(n)), size, shuffle=True)
                for _ in range(2):
                    self.assertEqual([b[0].tolist() for b in ours], [b[0].tolist() for b in other])
                self.assertEqual(torch.get_rng_state().tolist(), theirs.get_rng_state().tolist())


class Workers(unittest.TestCase):
    def test_any_number_gives_the_same(self):
        for ds in (Squares(30), data.TensorDataset(torch.arange(30), torch.arange(30) * 2),
                   datasets.FakeData(30, (3, 12, 12), transform=transforms.Compose([
                       transforms.RandomCrop(8), transforms.RandomHorizontalFlip(), transforms.ToTensor()])),
                   datasets.FakeData(30, (3, 12, 12), transform=transforms.Compose([
                       transforms.RandomCrop(8), lambda t: t, transforms.ToTensor()]))):
            want = None
            for n in (1, 2, 5):
                torch.manual_seed(1)
                got = lists(data.DataLoader(ds, 4, shuffle=True, num_workers=n))
                want = want or got
                self.assertEqual(got, want)

    def test_native_transforms_draw_what_python_s_draw(self):
        """The C library's batches are those of a loop in Python, with and without workers."""
        ops = [transforms.RandomResizedCrop(6), transforms.RandomHorizontalFlip(), transforms.ToTensor(),
               transforms.RandomErasing(), transforms.Normalize((0.5,), (0.2,))]
        fast = datasets.FakeData(12, (3, 10, 10), transform=transforms.Compose(ops))
        slow = datasets.FakeData(12, (3, 10, 10), transform=transforms.Compose(ops + [lambda t: t]))
        self.assertIsNotNone(fast._native())
        self.assertIsNone(slow._native())
        for workers in (0, 2):
            both = []
            for ds in (fast, slow):
                torch.manual_seed(2)
                both.append(lists(data.DataLoader(ds, 5, shuffle=True, num_workers=workers)))
            self.assertEqual(*both)

    def test_the_library_s_own_loader_gives_the_same(self):
        from minitorch._native import ffi, lib
        from minitorch._runtime import _check, _wrap_list
        ds = datasets.FakeData(11, (3, 9, 9), transform=transforms.Compose(
            [transforms.RandomCrop(6), transforms.ToTensor()]))
        options = ffi.new("mt_data_loader_options *")
        lib.mt_data_loader_options_init(options)
        for workers, persistent in ((0, False), (2, False), (2, True)):
            options.batch_size, options.shuffle = 3, True
            options.num_workers, options.persistent_workers = workers, persistent
            out, batch = ffi.new("mt_data_loader **"), ffi.new("mt_tensors **")
            _check(lib.mt_data_loader_create(out, ds._native(), ffi.NULL, ffi.NULL, options))
            torch.manual_seed(4)
            got = []
            for _ in range(2):
                _check(lib.mt_data_loader_next(batch, out[0]))
                while batch[0] != ffi.NULL:
                    got.append([t.tolist() for t in _wrap_list(int(ffi.cast("uintptr_t", batch[0])))])
                    _check(lib.mt_data_loader_next(batch, out[0]))
            _check(lib.mt_data_loader_free(out[0]))
            torch.manual_seed(4)
            loader = data.DataLoader(ds, 3, shuffle=True, num_workers=workers,
                                     persistent_workers=persistent)
            self.assertEqual(lists(loader) + lists(loader), got)

    def test_names_as_indices(self):
        class Named(data.Dataset):
            def __getitem__(self, name):
                return name, torch.rand(1)

        want = None
        for n in (1, 3):
            torch.manual_seed(1)
            got = [(names, x.tolist()) for names, x in
                   data.DataLoader(Named(), 2, sampler=["a", "b", "c"], num_workers=n)]
            want = want or got
            self.assertEqual(got, want)
        self.assertEqual(want[0][0], ["a", "b"] if isinstance(want[0][0], list) else ("a", "b"))
        self.assertNotEqual(*want[0][1])

    def test_without_workers_the_process_s_generator_draws(self):
        ds = Squares(6)
        torch.manual_seed(3)
        got = [batch[2].flatten().tolist() for batch in data.DataLoader(ds, 2)]
        torch.manual_seed(3)
        torch.empty((), dtype=torch.int64).random_()
        self.assertEqual(got, [[torch.rand(1).item(), torch.rand(1).item()] for _ in range(3)])

    def test_persistent(self):
        torch.manual_seed(1)
        loader = data.DataLoader(Squares(10), 2, shuffle=True, num_workers=2, persistent_workers=True)
        first, second = lists(loader), lists(loader)
        self.assertNotEqual(first, second)
        self.assertEqual(sorted(i for b in second for i in b[0]), list(range(10)))
        it = iter(loader)
        next(it)
        self.assertEqual(len(lists(loader)), 5)  # in the middle of an epoch: a new one
        del it, loader

    def test_errors_come_in_their_place(self):
        class Strange(Exception):
            def __init__(self, a, b=None):
                super().__init__(a)

        class Odd(Exception):
            def __init__(self, *, why=None):
                super().__init__(why)

        for error, kind in ((ValueError, ValueError), (Strange, Strange), (KeyError, KeyError)):
            for workers in (1, 3):
                it = iter(data.DataLoader(Squares(10, bad=(5,), error=error), 2, num_workers=workers))
                self.assertEqual([next(it)[0].tolist() for _ in range(2)], [[0, 1], [2, 3]])
                with self.assertRaisesRegex(kind, "DataLoader: batch 2: sample 5: no square of 5"):
                    next(it)
                self.assertEqual([b[0].tolist() for b in it], [[6, 7], [8, 9]])
        with self.assertRaisesRegex(ValueError, "^no square of 1$"):
            next(iter(data.DataLoader(Squares(3, bad=(1,)), 2)))
        odd = Squares(3, bad=(1,), error=lambda text: Odd(why=text))
        with self.assertRaisesRegex(RuntimeError, "sample 1: Odd: no square of 1"):
            next(iter(data.DataLoader(odd, 2, num_workers=1)))
        with self.assertRaisesRegex(IndexError, "batch 0: sample 7: "):
            list(data.DataLoader(data.TensorDataset(torch.arange(3)), sampler=[7], num_workers=1))
        broken = (i if i < 3 else 1 // 0 for i in range(5))
        it = iter(data.DataLoader(Squares(9), sampler=broken, num_workers=2))
        self.assertEqual([next(it)[0].item() for _ in range(3)], [0, 1, 2])
        with self.assertRaises(ZeroDivisionError):
            next(it)

    def test_worker_init(self):
        seen = {}

        def init(worker):
            info = data.get_worker_info()
            seen[worker] = (info.id, info.num_workers, info.seed, threading.current_thread().name)

        list(data.DataLoader(Squares(9), 2, num_workers=3, worker_init_fn=init))
        self.assertEqual(sorted(seen), [0, 1, 2])
        self.assertEqual({(v[0], v[1]) for v in seen.values()}, {(0, 3), (1, 3), (2, 3)})
        self.assertEqual(seen[2][2] - seen[0][2], 2)
        self.assertIsNone(data.get_worker_info())
        with self.assertRaises(ZeroDivisionError):
            next(iter(data.DataLoader(Squares(9), num_workers=2, worker_init_fn=lambda i: 1 // 0)))

    def test_ends_early(self):
        before = threading.active_count()
        for taken in range(4):
            for workers in (0, 1, 4):
                it = iter(data.DataLoader(Squares(100), 2, num_workers=workers))
                for _ in range(taken):
                    next(it)
                del it
                gc.collect()
        self.assertEqual(threading.active_count(), before)

    def test_timeout(self):
        class Slow(Squares):
            def __getitem__(self, i):
                time.sleep(0.3)
                return i

        it = iter(data.DataLoader(Slow(2), num_workers=1, timeout=0.05))
        with self.assertRaisesRegex(RuntimeError, "timed out after 0.05 seconds"):
            next(it)
        del it

    def test_fork(self):
        it = iter(data.DataLoader(Squares(20), 2, num_workers=2))
        next(it)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            child = os.fork()
        if child == 0:
            try:
                next(it)
            except RuntimeError:
                os._exit(0 if len(list(data.DataLoader(Squares(20), 2, num_workers=2))) == 10 else 1)
            os._exit(2)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertEqual(len(list(it)), 9)

    def test_progress(self):
        for workers in (0, 2):
            seen = []
            loader = data.DataLoader(Squares(5), 2, num_workers=workers,
                                     progress=lambda done, total: seen.append((done, total)))
            list(loader)
            self.assertEqual(seen, [(0, 3), (1, 3), (2, 3), (3, 3)])


class Iterated(unittest.TestCase):
    def test_streams(self):
        loader = data.DataLoader(Stream(0, 10), 3)
        self.assertEqual([b.tolist() for b in loader], [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]])
        with self.assertRaises(TypeError):
            len(loader)
        self.assertEqual([b.tolist() for b in data.DataLoader(Stream(0, 10), 2, num_workers=2)],
                         [[0, 2], [1, 3], [4, 6], [5, 7], [8], [9]])
        self.assertEqual([b.tolist() for b in data.DataLoader(Stream(0, 7), 2, num_workers=3, drop_last=True)],
                         [[0, 3], [1, 4], [2, 5]])
        both = Stream(0, 3) + Stream(5, 7)
        self.assertEqual([b.tolist() for b in data.DataLoader(both, 5)], [[0, 1, 2, 5, 6]])
        self.assertEqual([b for b in data.DataLoader(Stream(0, 3), None)], [0, 1, 2])

    def test_each_worker_has_a_copy(self):
        """The recipe of torch's documentation: worker_init_fn gives each copy its part."""
        class Plain(data.IterableDataset):
            def __init__(self, start, end):
                self.start, self.end = start, end

            def __iter__(self):
                return iter(range(self.start, self.end))

        def init(worker):
            ds = data.get_worker_info().dataset
            start, each = ds.start, (ds.end - ds.start) // 2
            ds.start, ds.end = start + worker * each, start + (worker + 1) * each

        ds = Plain(3, 7)
        got = [b.item() for b in data.DataLoader(ds, num_workers=2, worker_init_fn=init)]
        self.assertEqual(got, [3, 5, 4, 6])
        self.assertEqual((ds.start, ds.end), (3, 7))

    def test_errors(self):
        def broken():
            yield 1
            raise ValueError("dry")

        class Broken(data.IterableDataset):
            def __iter__(self):
                return broken()

        for workers in (0, 1):
            it = iter(data.DataLoader(Broken(), num_workers=workers))
            self.assertEqual(next(it).item(), 1)
            with self.assertRaisesRegex(ValueError, "dry"):
                next(it)
            self.assertRaises(StopIteration, next, it)


class Collating(unittest.TestCase):
    def test_default_collate(self):
        Point = collections.namedtuple("Point", "x y")
        c = data.default_collate
        self.assertEqual((c([1, 2]).dtype, c([1.0, 2.0]).dtype), (torch.int64, torch.float64))
        self.assertEqual(c([True, False]).dtype, torch.bool)
        self.assertEqual(c(["a", "b"]), ["a", "b"])
        got = c([{"a": 1, "b": (2, "x")}, {"a": 3, "b": (4, "y")}])
        self.assertEqual((got["a"].tolist(), got["b"][0].tolist(), got["b"][1]), ([1, 3], [2, 4], ("x", "y")))
        got = c([Point(1, torch.ones(2)), Point(2, torch.zeros(2))])
        self.assertIsInstance(got, Point)
        self.assertEqual(got.y.tolist(), [[1, 1], [0, 0]])
        self.assertEqual(c([np.float32(1), np.float32(2)]).dtype, torch.float32)
        self.assertEqual(c([np.int16(1), np.int16(2)]).dtype, torch.int16)
        self.assertEqual(c([np.ones(3), np.zeros(3)]).shape, (2, 3))
        self.assertIsInstance(c([[1, 2], [3, 4]]), list)
        with self.assertRaisesRegex(RuntimeError, "equal size"):
            c([[1, 2], [3]])
        with self.assertRaisesRegex(TypeError, "default_collate: batch must contain"):
            c([object()])
        with self.assertRaises(TypeError):
            c([np.array(["a"])])

    def test_default_convert(self):
        c = data.default_convert
        got = c({"a": np.ones(2), "b": [np.zeros(1), "t"], "c": (1, np.int64(3))})
        self.assertEqual((got["a"].tolist(), got["b"][0].tolist(), got["b"][1]), ([1, 1], [0], "t"))
        self.assertEqual((got["c"][0], got["c"][1].item()), (1, 3))
        loader = data.DataLoader(Squares(3), batch_size=None)
        self.assertEqual([s[0] for s in loader], [0, 1, 2])

    def test_own_collate(self):
        def pairs(samples):
            return [s[0] for s in samples]
        for workers in (0, 2):
            self.assertEqual(list(data.DataLoader(Squares(5), 2, collate_fn=pairs, num_workers=workers)),
                             [[0, 1], [2, 3], [4]])


class Sets(unittest.TestCase):
    def test_parts(self):
        a, b = data.TensorDataset(torch.arange(3)), data.TensorDataset(torch.arange(10, 14))
        both = a + b
        self.assertEqual([both[i][0].item() for i in range(-7, 7)], [0, 1, 2, 10, 11, 12, 13] * 2)
        some = data.Subset(both, [6, 0])
        for ds in (both, some):
            self.assertIsNotNone(ds._native())
            self.assertEqual([x[0].item() for x in data.DataLoader(ds)], [x[0].item() for x in ds])

        class Mine(data.TensorDataset):
            def __getitem__(self, i):
                return (super().__getitem__(i)[0] + 100,)

        self.assertIsNone(Mine(torch.arange(3))._native())
        self.assertEqual(next(iter(data.DataLoader(Mine(torch.arange(3)), 3)))[0].tolist(), [100, 101, 102])

    def test_refusals(self):
        ds = Squares(4)
        for kwargs in (dict(num_workers=-1), dict(timeout=-1), dict(prefetch_factor=3), dict(batch_size=0),
                       dict(persistent_workers=True), dict(sampler=[1], shuffle=True), dict(batch_size=True),
                       dict(batch_sampler=[[1]], batch_size=2), dict(batch_size=None, drop_last=True)):
            with self.assertRaises(ValueError, msg=kwargs):
                data.DataLoader(ds, **kwargs)
        for kwargs in (dict(shuffle=True), dict(sampler=[1]), dict(batch_sampler=[[1]])):
            with self.assertRaises(ValueError):
                data.DataLoader(Stream(0, 3), **kwargs)
        with self.assertRaises(ValueError):
            data.DataLoader([], shuffle=True)
        with self.assertRaises(ValueError):
            data.random_split(ds, [1, 2])
        with self.assertRaises(ValueError):
            data.DataLoader(ds).batch_size = 3
        with self.assertRaises(TypeError):
            data.RandomSampler(ds, replacement=1)
        with self.assertRaises(AssertionError):
            data.TensorDataset(torch.ones(2), torch.ones(3))
        with self.assertWarns(UserWarning):
            data.random_split(range(2), [0.9, 0.1 - 1e-12])


if __name__ == "__main__":
    leak_check.main()
