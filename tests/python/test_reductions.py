"""Reductions, sorting and random numbers as Python shows them: named results, torch.masked, generators."""
import unittest

import leak_check
import minitorch as torch


class NamedResults(unittest.TestCase):
    def test_they_unpack_and_print_as_torchs(self):
        x = torch.tensor([3.0, 1.0, 2.0])
        values, indices = torch.sort(x)
        self.assertEqual((values.tolist(), indices.tolist()), ([1.0, 2.0, 3.0], [1, 2, 0]))
        result = x.topk(2)
        self.assertEqual(result.values.tolist(), [3.0, 2.0])
        self.assertEqual(repr(result), "torch.return_types.topk(\nvalues=tensor([3., 2.]),\nindices=tensor([0, 2]))")
        self.assertEqual(x.max(0).indices.item(), 0)
        low, high = torch.aminmax(x)
        self.assertEqual((low.item(), high.item()), (1.0, 3.0))
        self.assertEqual(torch.histogram(x, 2).bin_edges.tolist(), [1.0, 2.0, 3.0])

    def test_unique_gives_what_was_asked_for(self):
        x = torch.tensor([2, 1, 2])
        self.assertEqual(torch.unique(x).tolist(), [1, 2])
        output, counts = x.unique(return_counts=True)
        self.assertEqual((output.tolist(), counts.tolist()), ([1, 2], [1, 2]))
        self.assertEqual([len(r) for r in torch.unique_consecutive(x, True, True)], [3, 3, 3])

    def test_gradient_takes_numbers_and_coordinates(self):
        x = torch.tensor([0.0, 1.0, 4.0, 9.0])
        self.assertEqual(torch.gradient(x)[0].tolist(), [1.0, 2.0, 4.0, 5.0])
        self.assertEqual(torch.gradient(x, spacing=2.0)[0].tolist(), [0.5, 1.0, 2.0, 2.5])
        self.assertEqual(torch.gradient(x, spacing=(torch.tensor([0.0, 1.0, 2.0, 3.0]),), edge_order=2)[0].tolist(),
                         [0.0, 2.0, 4.0, 6.0])

    def test_segments_that_do_not_cover_the_axis(self):
        x, lengths = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1, 1])
        self.assertEqual(torch.segment_reduce(x, "sum", lengths=lengths, unsafe=True).tolist(), [1.0, 2.0])
        with self.assertRaisesRegex(RuntimeError, "lengths mismatch"):
            torch.segment_reduce(x, "sum", lengths=lengths)


class Masked(unittest.TestCase):
    def setUp(self):
        self.x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
        self.mask = torch.tensor([[True, False, True], [False, False, False]])

    def test_reductions(self):
        m, inf = torch.masked, float("inf")
        self.assertEqual(m.sum(self.x, 1, mask=self.mask).tolist(), [4.0, 0.0])
        self.assertEqual(m.prod(self.x, 1, mask=self.mask).tolist(), [3.0, 1.0])
        self.assertEqual(m.amax(self.x, 1, mask=self.mask).tolist(), [3.0, -inf])
        self.assertEqual(m.amin(self.x, 1, mask=self.mask).tolist(), [1.0, inf])
        self.assertEqual(m.mean(self.x[:1], 1, mask=self.mask[:1]).tolist(), [2.0])
        self.assertEqual(m.var(self.x[:1], 1, True, mask=self.mask[:1]).tolist(), [2.0])
        self.assertEqual(m.median(self.x[:1], 1, mask=self.mask[:1]).tolist(), [1.0])
        self.assertEqual(m.argmax(self.x, 1, mask=self.mask).tolist()[0], 2)
        self.assertEqual(m.sum(self.x).item(), 21.0)

    def test_scans_and_softmax(self):
        m = torch.masked
        self.assertEqual(m.cumsum(self.x, 1, mask=self.mask).tolist()[0], [1.0, 1.0, 4.0])
        self.assertEqual(m.softmax(self.x * 0, 1, mask=self.mask).tolist()[0], [0.5, 0.0, 0.5])

    def test_gradients_reach_what_is_kept(self):
        x = self.x.clone().requires_grad_()
        torch.masked.sum(x, mask=self.mask).backward()
        self.assertEqual(x.grad.tolist(), [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]])

    def test_masks_must_broadcast(self):
        with self.assertRaisesRegex(IndexError, "mask dimensionality"):
            torch.masked.sum(self.x[0], mask=self.mask)


class Generators(unittest.TestCase):
    def test_a_generator_draws_what_the_global_one_draws(self):
        g = torch.Generator().manual_seed(5)
        torch.manual_seed(5)
        for draw in (lambda **k: torch.rand(3, **k), lambda **k: torch.randn(20, **k),
                     lambda **k: torch.randint(9, (4,), **k), lambda **k: torch.randperm(6, **k),
                     lambda **k: torch.multinomial(torch.ones(5), 3, **k),
                     lambda **k: torch.empty(5).bernoulli_(0.5, **k), lambda **k: torch.empty(5).exponential_(2.0, **k),
                     lambda **k: torch.normal(torch.zeros(3), 2.0, **k)):
            self.assertEqual(draw(generator=g).tolist(), draw().tolist())
        self.assertEqual(g.initial_seed(), 5)

    def test_state(self):
        g = torch.Generator()
        state = g.get_state()
        first = torch.rand(4, generator=g).tolist()
        g.set_state(state)
        self.assertEqual(torch.rand(4, generator=g).tolist(), first)
        with self.assertRaisesRegex(RuntimeError, "unknown device"):
            torch.Generator("cuda")


if __name__ == "__main__":
    leak_check.main()
