"""DataLoader: batches of a data set's samples, in the order torch gives them for the same seed.

What a sample's random transforms draw: with num_workers=0 from the process's generator, sample after
sample, as in torch. With workers each sample has a generator of its own, seeded from the loader's base
seed, the epoch and the sample's index: the batches do not depend on the number of workers (torch's do).
Python's random and NumPy's generators are the process's, as workers are threads.
"""
from __future__ import annotations

import functools
import itertools
import os
import warnings
import zlib

from ..._native import ffi
from . import _native
from ._collate import default_collate, default_convert
from ._workers import END, Failure, Pool, located
from .dataset import IterableDataset
from .sampler import BatchSampler, RandomSampler, SequentialSampler, draw_seed

_FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class _Forever:
    """The sampler of iterated data sets."""

    def __iter__(self):
        return itertools.repeat(None)


class DataLoader:
    """Torch's loader. Besides: `progress` is called with (batches given, batches of the epoch or None),
    with 0 when an epoch begins.
    """

    _initialized = False

    def __init__(self, dataset, batch_size: int | None = 1, shuffle=None, sampler=None, batch_sampler=None,
                 num_workers: int = 0, collate_fn=None, pin_memory=False, drop_last=False, timeout=0,
                 worker_init_fn=None, multiprocessing_context=None, generator=None, *,
                 prefetch_factor: int = 2, persistent_workers=False, pin_memory_device="", progress=None):
        if num_workers < 0:
            raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable "
                             "multiprocessing.")
        if timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if num_workers == 0 and prefetch_factor != 2:
            raise ValueError("prefetch_factor option could only be specified in multiprocessing."
                             "let num_workers > 0 to enable multiprocessing.")
        if prefetch_factor <= 0:
            raise AssertionError("prefetch_factor option should be positive")
        if persistent_workers and num_workers == 0:
            raise ValueError("persistent_workers option needs num_workers > 0")
        if multiprocessing_context is not None and num_workers == 0:
            raise ValueError("multiprocessing_context can only be used with multi-process loading "
                             f"(num_workers > 0), but got num_workers={num_workers}")
        self._iterable = isinstance(dataset, IterableDataset)
        if self._iterable:
            for name, value in (("shuffle", shuffle or None), ("sampler", sampler),
                                ("batch_sampler", batch_sampler)):
                if value is not None:
                    raise ValueError(f"DataLoader with IterableDataset: expected unspecified {name} "
                                     f"option, but got {name}={value}")
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError("batch_sampler option is mutually exclusive with batch_size, shuffle, "
                                 "sampler, and drop_last")
            batch_size, drop_last = None, False
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive "
                             "with drop_last")
        if sampler is None:
            sampler = (_Forever() if self._iterable else
                       RandomSampler(dataset, generator=generator) if shuffle else
                       SequentialSampler(dataset))
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        self.dataset, self.batch_size, self.drop_last = dataset, batch_size, drop_last
        self.sampler, self.batch_sampler, self.generator = sampler, batch_sampler, generator
        self.num_workers, self.prefetch_factor, self.timeout = num_workers, prefetch_factor, timeout
        self.collate_fn, self.worker_init_fn, self.progress = collate_fn, worker_init_fn, progress
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.multiprocessing_context = multiprocessing_context
        self.persistent_workers = persistent_workers
        self._iterator = self._length_said = None
        self._initialized = True

    def __setattr__(self, name, value):
        if self._initialized and name in _FIXED:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is "
                             "initialized")
        object.__setattr__(self, name, value)

    @property
    def _auto_collation(self):
        return self.batch_sampler is not None

    @property
    def _index_sampler(self):
        return self.batch_sampler if self._auto_collation else self.sampler

    def __iter__(self) -> Any:
        if self.num_workers == 0:
            return _Iterator(self)
        if not self.persistent_workers:
            return _WorkersIterator(self)
        if self._iterator is None:
            self._iterator = _WorkersIterator(self)
        else:
            self._iterator.restart()
        return self._iterator

    def __len__(self) -> int:
        if not self._iterable:
            return len(self._index_sampler)
        n = self._length_said = len(self.dataset)
        if self.batch_size is None:
            return n
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.{type(self).__name__} object at {id(self):#x}>"


# --- making one batch --------------------------------------------------------------------------
def _array(indices):
    """The indices for the C library, or None when they are no plain numbers."""
    try:
        return _new_array([i.__index__() for i in indices])
    except (TypeError, AttributeError, OverflowError):
        return None


def _new_array(indices):
    return ffi.new("int64_t[]", indices) if indices else None


def _samples(dataset, indices):
    many = getattr(dataset, "__getitems__", None)
    return many(indices) if many else [dataset[i] for i in indices]


def _take(number, dataset, index, seed, generator):
    """A sample in a worker, with draws of its own."""
    generator.manual_seed(seed)
    try:
        return dataset[index]
    except Exception as e:  # noqa: B902
        raise located(e, number, index) from e


class _Fetch:
    """What a loader's worker needs of an epoch."""

    def __init__(self, loader, base_seed, epoch):
        self.collate, self.auto = loader.collate_fn, loader._auto_collation
        self.drop_last, self.batch_size = loader.drop_last, loader.batch_size
        self.base_seed, self.epoch = base_seed, epoch
        self.handle = None
        if self.auto and self.collate is default_collate and not loader._iterable:
            self.handle = _native.native(loader.dataset)

    def here(self, dataset, indices):
        """By the thread that asks, as torch does with num_workers=0."""
        if self.handle is not None:
            array = _array(indices)
            if array is not None:
                return _native.get_batch(self.handle, array)
        return self.collate(_samples(dataset, indices) if self.auto else dataset[indices])

    def seed(self, index):
        try:
            number = (index.__index__() + (1 << 63)) % (1 << 64) - (1 << 63)
        except AttributeError:  # a name, say
            number = zlib.crc32(repr(index).encode())
        return _native.sample_seed(self.base_seed, self.epoch, number)

    def by_worker(self, indices, number, dataset, generator):
        if not self.auto:
            sample = _take(number, dataset, indices, self.seed(indices), generator)
            return self.finish(number, sample)
        seeds = [self.seed(i) for i in indices]
        if self.handle is not None:
            array = _array(indices)
            if array is not None:
                try:
                    return _native.get_batch(self.handle, array, seeds)
                except Exception as e:  # noqa: B902
                    raise located(e, number) from e
        return self.finish(number, [_take(number, dataset, i, s, generator)
                                    for i, s in zip(indices, seeds)])

    def finish(self, number, samples):
        try:
            return self.collate(samples)
        except Exception as e:  # noqa: B902
            raise located(e, number) from e

    def next_of(self, stream):
        """The next batch of an iterated data set, or END."""
        if not self.auto:
            sample = next(stream, END)
            return END if sample is END else self.collate(sample)
        samples = list(itertools.islice(stream, self.batch_size))
        if not samples or (self.drop_last and len(samples) < self.batch_size):
            return END
        return self.collate(samples)


# --- one pass ----------------------------------------------------------------------------------
class _Iterator:
    """One epoch without workers."""

    def __init__(self, loader):
        self._loader = loader
        self._begin(draw_seed(loader.generator), 0)
        self._stream = iter(loader.dataset) if loader._iterable else None

    def _begin(self, base_seed, epoch):
        loader = self._loader
        self._indices = iter(loader._index_sampler)
        self._base_seed, self._epoch = base_seed, epoch
        self._fetch = _Fetch(loader, base_seed, epoch)
        self._given = 0
        self._progress(0)

    def _progress(self, done):
        if self._loader.progress is not None:
            try:
                total = len(self._loader)
            except (TypeError, NotImplementedError):
                total = None
            self._loader.progress(done, total)

    def __iter__(self) -> Any:
        return self

    def __len__(self) -> int:
        return len(self._loader)

    def __next__(self) -> Any:
        batch = self._next()
        self._given += 1
        said = self._loader._length_said
        if self._loader._iterable and said is not None and self._given > said:
            warnings.warn(f"Length of IterableDataset {self._loader.dataset} was reported to be {said} "
                          f"(when accessing len(dataloader)), but {self._given} samples have been "
                          "fetched. ", stacklevel=2)
        self._progress(self._given)
        return batch

    def _next(self):
        if self._stream is None:
            return self._fetch.here(self._loader.dataset, next(self._indices))
        batch = self._fetch.next_of(self._stream)
        if batch is END:
            self._stream = iter(())
            raise StopIteration
        return batch


class _WorkersIterator(_Iterator):
    """One epoch, or with persistent workers several, made by threads."""

    def __init__(self, loader):
        self._loader, self._stream = loader, None
        n = loader.num_workers
        self._pool = Pool(n, shared=not loader._iterable)
        self._begin(draw_seed(loader.generator), 0)
        self._pool.start(loader, self._base_seed)
        self._first()

    def restart(self):
        """A new epoch of the same workers; torch draws no new base seed for it."""
        self._check_process()
        self._pool.drop_all()
        self._begin(self._base_seed, self._epoch + 1)
        self._first()

    def _first(self):
        n = self._loader.num_workers
        self._sent = self._received = self._turn = 0
        self._ended, self._over = [False] * n, False
        self._worker_of, self._streams = {}, [None] * n
        self._fill(n * self._loader.prefetch_factor)

    def _fill(self, count):
        for _ in range(count):
            try:
                indices = next(self._indices)
            except StopIteration:
                return
            except Exception as e:  # noqa: B902 - in its place, behind the batches before it
                self._pool.results[self._sent] = Failure(e)
                self._indices = iter(())
                self._sent += 1
                return
            worker = 0
            if self._loader._iterable:
                n = len(self._ended)
                worker = next((w % n for w in range(self._turn, self._turn + n)
                               if not self._ended[w % n]), None)
                if worker is None:
                    return
                self._turn = worker + 1
                job = functools.partial(_next_of_worker, self._fetch, self._streams, worker)
            else:
                job = functools.partial(self._fetch.by_worker, indices)
            self._worker_of[self._sent] = worker
            self._pool.add(worker, self._sent, job)
            self._sent += 1

    def _check_process(self):
        if os.getpid() != self._pool.process:
            raise RuntimeError("DataLoader: forked: the workers of this iterator are threads of the parent "
                               "process: make a new iterator in the child")

    def _next(self):
        self._check_process()
        while self._received < self._sent:
            result = self._pool.wait(self._received, self._loader.timeout)
            if result is None and self._loader.timeout:
                raise RuntimeError(f"DataLoader timed out after {self._loader.timeout} seconds")
            worker = self._worker_of.pop(self._received, 0)
            self._received += 1
            if result is END:
                self._ended[worker] = True
                self._fill(1)
                continue
            self._fill(1)
            if isinstance(result, Failure):
                raise result.error
            return result
        if not self._loader.persistent_workers:
            self._pool.stop()
        raise StopIteration

    def __del__(self):
        pool = getattr(self, "_pool", None)
        if pool is not None:
            pool.stop()


def _next_of_worker(fetch, streams, worker, number, dataset, generator):
    """A batch of the worker's own pass over the data set."""
    try:
        if streams[worker] is None:
            streams[worker] = iter(dataset)
        return fetch.next_of(streams[worker])
    except Exception as e:  # noqa: B902
        streams[worker] = iter(())
        raise located(e, number) from e
