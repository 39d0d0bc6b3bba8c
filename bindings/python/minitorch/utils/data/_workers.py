"""The loader's worker threads: batches are made side by side and handed out in order.

The threads hold the state below but not the iterator, which so can go at any time and ends them.
"""
from __future__ import annotations

import atexit
import collections
import copy
import os
import threading
import weakref

from . import _native

END = object()  # instead of a batch: the worker's iterated data set has no more

_here = threading.local()
_live = weakref.WeakSet()


class WorkerInfo:
    """Who the calling worker is: id, num_workers, seed, dataset."""

    def __init__(self, id, num_workers, seed, dataset):
        self.id, self.num_workers, self.seed, self.dataset = id, num_workers, seed, dataset

    def __repr__(self) -> str:
        return (f"WorkerInfo(id={self.id}, num_workers={self.num_workers}, seed={self.seed}, "
                f"dataset={self.dataset!r})")


def get_worker_info() -> WorkerInfo | None:
    """In a worker, what is known of it; None elsewhere."""
    return getattr(_here, "info", None)


class Failure:
    """An exception on its way to the caller; raised in the batch's place."""

    def __init__(self, error):
        self.error = error


def located(error, batch, index=None):
    """The exception with the place where it happened, of the same class where that can be made."""
    where = f"DataLoader: batch {batch}: " + ("" if index is None else f"sample {index}: ")
    kind = type(error)
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    try:
        new = kind(where + (text or kind.__name__))
        new.__dict__.update(error.__dict__)
    except Exception:  # noqa: B902 - its class wants other arguments
        new = RuntimeError(f"{where}{kind.__name__}: {text}")
    new.__cause__ = error
    return new


class Pool:
    """Threads with their queues. `shared`: one queue for all, else one for each worker."""

    def __init__(self, n, shared):
        self.changed = threading.Condition()
        queue = collections.deque()
        self.queues = [queue if shared else collections.deque() for _ in range(n)]
        self.results, self.threads, self.active, self.stopped = {}, [], 0, False
        self.process = os.getpid()
        _live.add(self)

    def start(self, loader, base_seed):
        n = len(self.queues)
        for i in range(n):
            t = threading.Thread(target=_work, args=(self, i, loader.dataset, loader.worker_init_fn, n,
                                                     base_seed), daemon=True, name=f"DataLoader {i}")
            self.threads.append(t)
            t.start()

    def add(self, worker, number, job):
        with self.changed:
            self.queues[worker].append((number, job))
            self.changed.notify_all()

    def wait(self, number, timeout):
        """The result of a job; None when the time is up."""
        with self.changed:
            if not self.changed.wait_for(lambda: number in self.results, timeout or None):
                return None
            return self.results.pop(number)

    def drop_all(self):
        """Forgets what nobody began, and waits for the rest."""
        with self.changed:
            for q in self.queues:
                q.clear()
            self.changed.wait_for(lambda: self.active == 0)
            self.results.clear()

    def stop(self):
        if os.getpid() != self.process:
            return  # forked: no thread is here, and one of the parent's may hold the lock
        with self.changed:
            self.stopped = True
            for q in self.queues:
                q.clear()
            self.changed.notify_all()
        for t in self.threads:
            if t is not threading.current_thread() and t.is_alive():
                t.join()


def _work(pool, worker, dataset, init, n, base_seed):
    from ..._random import Generator
    from .dataset import IterableDataset
    if isinstance(dataset, IterableDataset):  # of its own, which `init` may change
        try:
            dataset = copy.copy(dataset)
        except Exception:  # noqa: B902
            pass
    _here.info = WorkerInfo(worker, n, base_seed + worker, dataset)
    generator, failure = Generator(), None
    try:
        _native.thread_generator(generator)
        generator.manual_seed(_native.sample_seed(base_seed, 0, worker))
        if init is not None:
            init(worker)
    except BaseException as e:  # noqa: B902 - raised where the first batch is asked for
        failure = e
    queue = pool.queues[worker]
    try:
        while True:
            with pool.changed:
                pool.changed.wait_for(lambda: pool.stopped or queue)
                if pool.stopped:
                    return
                number, job = queue.popleft()
                pool.active += 1
            try:
                if failure is not None:
                    raise failure
                result = job(number, dataset, generator)
            except BaseException as e:  # noqa: B902
                result = Failure(e)
            del job
            with pool.changed:
                pool.results[number] = result
                pool.active -= 1
                pool.changed.notify_all()
            del result
    finally:
        _native.thread_generator(None)
        _here.info = None


@atexit.register
def _stop_all():
    for pool in list(_live):
        pool.stop()
