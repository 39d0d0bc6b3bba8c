"""Checkpoints: a run that is killed at any moment, also while it saves, and goes on computes the
losses of the run that was not, bit for bit; damaged files change nothing."""
import os
import random
import signal
import tempfile
import time
import unittest

import leak_check
import minitorch as torch
import minitorch.nn as nn
from minitorch.optim import SGD, Adam
from minitorch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR, ReduceLROnPlateau

STEPS, SAMPLES, BATCH = 40, 64, 16


class Run:
    """Dropout, shuffling, momentum, a schedule: everything that a checkpoint must hold."""

    def __init__(self):
        torch.manual_seed(3)
        self.data = torch.randn(SAMPLES, 20)
        self.target = self.data[:, :3].sum(1, keepdim=True).tanh()
        self.model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 1))
        self.optimizer = Adam([{"params": self.model[0].parameters()},
                               {"params": self.model[3].parameters(), "weight_decay": 0.01}],
                              lr=0.01, amsgrad=True)
        self.scheduler = OneCycleLR(self.optimizer, 0.05, total_steps=STEPS + 1)
        self.generator = torch.Generator()
        self.order, self.start = None, 0

    def parts(self):
        return self.model, self.optimizer, self.scheduler

    def save(self, path, step):
        torch.save_checkpoint(path, *self.parts(), generator=self.generator, step=step,
                              epoch=step * BATCH // SAMPLES,
                              extra={"order": self.order, "name": "run"})

    def load(self, path):
        info = torch.load_checkpoint(path, *self.parts(), generator=self.generator)
        self.start, self.order = info["step"], info["extra"]["order"]
        return info

    def step(self, step):
        per_epoch = SAMPLES // BATCH
        if step % per_epoch == 0:
            self.order = torch.randperm(SAMPLES, generator=self.generator)
        at = step % per_epoch * BATCH
        rows = self.order[at:at + BATCH]
        self.optimizer.zero_grad()
        loss = ((self.model(self.data[rows]) - self.target[rows]) ** 2).mean()
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        return loss.item()

    def snapshot(self):
        def frozen(obj):
            if isinstance(obj, dict):
                return {k: frozen(v) for k, v in obj.items()}
            if isinstance(obj, (list, tuple)):
                return [frozen(v) for v in obj]
            return obj.tolist() if hasattr(obj, "tolist") else obj
        return frozen([self.model.state_dict(), self.optimizer.state_dict(),
                       self.scheduler.state_dict(), self.generator.get_state(),
                       torch.get_rng_state()])


def reference():
    run = Run()
    return [run.step(i) for i in range(STEPS)]


class Resume(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "run.safetensors")

    def test_any_step_goes_on_bit_for_bit(self):
        losses = reference()
        run = Run()
        for i in range(STEPS):
            run.save(self.path, i)
            self.assertEqual(run.step(i), losses[i])
            if i % 3 == 0 or i > STEPS - 3:
                torch.manual_seed(i)  # the state comes from the file
                other = Run()
                self.assertEqual(other.load(self.path)["epoch"], i * BATCH // SAMPLES)
                state = torch.get_rng_state()
                for k in range(i, min(i + 5, STEPS)):
                    self.assertEqual(other.step(k), losses[k])
                torch.set_rng_state(state)
                run.load(self.path)
                self.assertEqual(run.step(i), losses[i])

    def test_a_killed_run(self):
        """fork and SIGKILL at random moments, most of them while a checkpoint is written."""
        losses = reference()
        log, chance, kills = os.path.join(self.folder.name, "log"), random.Random(5), 0

        def lines():
            if not os.path.exists(log):
                return 0
            with open(log, "rb") as f:
                return f.read().count(b"\n")

        for _ in range(400):
            pid = os.fork()
            if pid == 0:
                try:
                    run = Run()
                    if os.path.exists(self.path):
                        run.load(self.path)
                    with open(log, "a") as f:
                        for i in range(run.start, STEPS):
                            f.write(f"{i} {run.step(i).hex()}\n")
                            f.flush()
                            run.save(self.path, i + 1)
                    os._exit(0)
                except BaseException as e:  # noqa: B902
                    os.write(2, repr(e).encode())
                    os._exit(1)
            # A few steps, whatever the machine's speed, and then any moment of the next ones.
            goal, done = lines() + chance.randint(1, max(1, STEPS // 10)), 0
            while lines() < goal and not done:
                done, status = os.waitpid(pid, os.WNOHANG)
                time.sleep(0.0005)
            if not done:
                time.sleep(chance.uniform(0, 0.004))
                os.kill(pid, signal.SIGKILL)
                _, status = os.waitpid(pid, 0)
                kills += os.WIFSIGNALED(status)
            if os.WIFEXITED(status):
                self.assertEqual(os.WEXITSTATUS(status), 0)
                break
        seen = set()
        with open(log) as f:
            for line in f:
                if line.endswith("\n"):
                    i, value = line.split()
                    self.assertEqual(float.fromhex(value), losses[int(i)])
                    seen.add(int(i))
        self.assertEqual(seen, set(range(STEPS)))
        self.assertGreater(kills, 2)

    def test_damaged_files_change_nothing(self):
        run = Run()
        run.step(0)
        run.save(self.path, 1)
        with open(self.path, "rb") as f:
            good = f.read()
        run.step(1)
        before = run.snapshot()
        chance, bad = random.Random(1), os.path.join(self.folder.name, "bad")
        header = int.from_bytes(good[:8], "little") + 8
        damaged = [good[:n] for n in (0, 5, 8, header // 2, header, header + 9, len(good) - 1)]
        damaged.append(good + b"x")
        for i in range(80):
            at = chance.randrange(header) if i % 2 else chance.randrange(header, len(good))
            damaged.append(good[:at] + bytes([good[at] ^ (1 << chance.randrange(8))]) +
                           good[at + 1:])
        refused = 0
        for data in damaged:
            with open(bad, "wb") as f:
                f.write(data)
            try:
                run.load(bad)
            except (RuntimeError, ValueError) as e:
                self.assertIn(": ", str(e))
                self.assertEqual(run.snapshot(), before)
                refused += 1
            else:  # a flip that keeps the meaning, or a name that is nobody's
                run.load(self.path)
                run.step(1)
                self.assertEqual(run.snapshot(), before)
        self.assertGreater(refused, 80)

    def test_parts_that_do_not_fit_change_nothing(self):
        run = Run()
        run.step(0)
        run.save(self.path, 1)
        run.step(1)
        other = nn.Linear(2, 2)
        before = run.snapshot()
        model, optimizer, scheduler = run.parts()
        load = torch.load_checkpoint
        with self.assertRaisesRegex(RuntimeError, "keys do not match"):
            load(self.path, other, optimizer, scheduler, generator=run.generator)
        with self.assertRaisesRegex(RuntimeError, "group mismatch"):
            load(self.path, model, SGD(model.parameters(), 0.1), scheduler)
        with self.assertRaisesRegex(RuntimeError, "key mismatch|unexpected key"):
            load(self.path, model, optimizer, CosineAnnealingLR(Adam(other.parameters()), 3))
        with self.assertRaisesRegex(RuntimeError, "missing part.*scheduler.1"):
            load(self.path, model, optimizer, [scheduler, scheduler])
        with self.assertRaisesRegex(RuntimeError, "missing part.*generator.1"):
            load(self.path, model, generator=[run.generator] * 2)
        self.assertEqual(run.snapshot(), before)
        torch.save(model.state_dict(), self.path)
        with self.assertRaisesRegex(RuntimeError, "not a checkpoint"):
            load(self.path, model)
        with self.assertRaises(OSError):
            load(self.path + ".none", model)
        self.assertEqual(run.snapshot(), before)

    def test_some_parts_and_several(self):
        a, b = nn.Linear(2, 2), nn.Linear(2, 2)
        both = nn.Sequential(a, b)
        first, second = SGD(a.parameters(), 0.1, momentum=0.9), Adam(b.parameters())
        schedules = [CosineAnnealingLR(first, 9), ReduceLROnPlateau(second)]
        both(torch.ones(1, 2)).sum().backward()
        first.step(), second.step(), schedules[0].step(), schedules[1].step(1.0)
        torch.save_checkpoint(self.path, both, [first, second], schedules, rng_state=False,
                              epoch=4, extra=[1, "two", {"t": torch.ones(2)}])
        fresh = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
        info = torch.load_checkpoint(self.path, fresh, rng_state=False)
        self.assertEqual((info["epoch"], info["extra"][:2]), (4, [1, "two"]))
        self.assertEqual(fresh[1].bias.tolist(), b.bias.tolist())
        first2 = SGD(fresh[0].parameters(), 5)
        second2 = Adam(fresh[1].parameters())
        plateau = ReduceLROnPlateau(second2)
        torch.load_checkpoint(self.path, None, [first2, second2],
                              [CosineAnnealingLR(first2, 2), plateau], rng_state=False)
        self.assertEqual(first2.param_groups[0]["lr"], first.param_groups[0]["lr"])
        self.assertEqual(first2.param_groups[0]["momentum"], 0.9)
        self.assertEqual((plateau.best, plateau.last_epoch), (1.0, 1))
        with self.assertRaisesRegex(RuntimeError, "missing part.*rng_state"):
            torch.load_checkpoint(self.path, fresh)


if __name__ == "__main__":
    leak_check.main()
