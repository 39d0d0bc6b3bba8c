"""torchvision's models against goldens made by torchvision 0.14: weights from one seed, keys, printed
forms, a forward and a training step; and what is done with models: weights from files, another head,
freezing, features. tests/golden/compare_models.py compares with the installed torchvision."""
import copy
import json
import os
import pathlib
import sys
import tempfile
import unittest

import numpy as np

import minitorch as mt
import minitorch.nn as nn
import minitorch.nn.functional as F
import minitorch.vision.models as models
from minitorch import serialization
from minitorch.vision import io, transforms as T
from minitorch.vision.models.feature_extraction import create_feature_extractor

import leak_check

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = pathlib.Path(os.environ.get("MT_GOLDEN_DIR") or HERE.parent / "golden")
sys.path.insert(0, str(GOLDEN))
import vision_models  # noqa: E402

CHECKPOINTS = HERE.parents[2] / "shared/data/checkpoints"
TOLERANCE = 1e-4


def golden():
    sums, steps = {}, {}
    for line in (GOLDEN / "vision_models.txt").read_text().splitlines():
        kind, key, *values = line.split()
        if kind == "sums":
            sums[key.replace("_", " ")] = [int(v) for v in values]
        else:
            steps.setdefault(kind, []).append((key, *map(float, values)))
    return sums, steps


SUMS, STEPS = golden()


class Goldens(unittest.TestCase):
    def test_seeded_weights_keys_and_printed_forms(self):
        cases = {**{n: (n, {}) for n in vision_models.MODELS}, **vision_models.VARIANTS}
        self.assertEqual([n.replace("_", " ") for n in cases], list(SUMS))
        for name, (model, options) in cases.items():
            with self.subTest(name):
                got = vision_models.checksums(mt, models, model, **options)
                self.assertEqual(got, SUMS[name.replace("_", " ")], "keys, printed form, weights")

    def test_forward_and_a_training_step(self):
        self.assertEqual(list(vision_models.STEPS), list(STEPS))
        worst = {}
        for name, options in vision_models.STEPS.items():
            with self.subTest(name):
                got = vision_models.step(mt, F, models, name, **options)
                self.assertEqual([k for k, _, _ in got], [k for k, _, _ in STEPS[name]])
                apart = {k: abs(a - b) / max(scale, 1e-30)
                         for (k, a, _), (_, b, scale) in zip(got, STEPS[name])}
                worst[name] = max(apart.values())
                self.assertLess(worst[name], TOLERANCE, max(apart, key=apart.get))
        print("largest relative deviation of a step: "
              + ", ".join(f"{n} {w:.0e}" for n, w in worst.items()))


class Use(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        mt.manual_seed(1)
        cls.x = mt.randn(2, 3, 64, 64)

    @classmethod
    def tearDownClass(cls):
        del cls.x

    def test_children_are_reached_and_replaced(self):
        m = models.resnet18(num_classes=7).eval()
        self.assertEqual(type(m).__name__, "ResNet")
        self.assertEqual(m.layer1[0].conv1.kernel_size, (3, 3))
        self.assertIsInstance(m.layer1, nn.Sequential)
        m.fc = nn.Linear(512, 3)
        self.assertEqual(m(self.x).shape, (2, 3))
        a = models.alexnet(num_classes=10).eval()
        a.classifier[6] = nn.Linear(4096, 4)
        self.assertEqual(a.classifier[-1].out_features, 4)
        self.assertEqual(a(self.x).shape, (2, 4))
        del a.classifier[5]
        self.assertEqual(list(a.classifier._modules), list("012345"))
        a.classifier.insert(0, nn.Identity())
        self.assertEqual((len(a.classifier), type(a.classifier[0])), (7, nn.Identity))
        with self.assertRaises(IndexError):
            a.classifier[7] = nn.Identity()

    def test_hooks_and_copies(self):
        m = models.squeezenet1_1(num_classes=4).eval()
        seen = []
        handle = m.features[3].squeeze.register_forward_hook(lambda mod, i, o: seen.append(o.shape))
        before = m(self.x)
        handle.remove()
        m(self.x)
        self.assertEqual(seen, [(2, 16, 15, 15)])
        other = copy.deepcopy(m)
        with mt.no_grad():
            other.features[0].weight.zero_()
        self.assertTrue(mt.equal(m(self.x), before))
        self.assertFalse(mt.equal(other(self.x), before))

    def test_options_of_blocks(self):
        block = models.efficientnet_b0().features[2][1]
        self.assertEqual(str(block.stochastic_depth), "StochasticDepth(p=0.025, mode=row)")
        block.stochastic_depth.p = 1.0
        x = mt.randn(3, 24, 8, 8)
        self.assertTrue(mt.equal(block(x), x))

    def test_freezing(self):
        m = models.mobilenet_v3_small(num_classes=4)
        m.features.requires_grad_(False)
        F.cross_entropy(m(self.x), mt.tensor([1, 3])).backward()
        self.assertEqual({k.split(".")[0] for k, p in m.named_parameters() if p.grad is not None},
                         {"classifier"})

    @leak_check.needs("zip")
    def test_weights_from_files_of_each_kind(self):
        m = models.shufflenet_v2_x0_5(num_classes=6).eval()
        want = m(self.x)
        with tempfile.TemporaryDirectory() as folder:
            files = [os.path.join(folder, n) for n in ("m.pth", "m.safetensors", "m.npz")]
            mt.save(m.state_dict(), files[0])
            serialization.save_safetensors(m.state_dict(), files[1])
            np.savez(files[2], **{k: t.numpy() for k, t in m.state_dict().items()})
            for path in files:
                got = models.shufflenet_v2_x0_5(weights=path, num_classes=6).eval()
                self.assertTrue(mt.equal(got(self.x), want), path)
            half = os.path.join(folder, "half.safetensors")
            serialization.save_safetensors({k: t.half() if t.is_floating_point() else t
                                 for k, t in m.state_dict().items()}, half)
            got = models.shufflenet_v2_x0_5(weights=half, num_classes=6)
            self.assertEqual(got.fc.weight.dtype, mt.float32)
            self.assertLess((got.fc.weight - m.fc.weight).abs().max().item(), 1e-3)
            with self.assertRaisesRegex(RuntimeError, "size mismatch for fc.weight"):
                models.shufflenet_v2_x0_5(weights=files[0], num_classes=5)
            with self.assertRaisesRegex(OSError, "no-such-file"):
                models.resnet18(weights=os.path.join(folder, "no-such-file.pth"))

    @leak_check.needs("zip")
    def test_names_of_old_files(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "old.pth")
            m = models.densenet121(num_classes=3)
            old = {k.replace("norm1", "norm.1").replace("conv2", "conv.2") if "denselayer" in k else k: t
                   for k, t in m.state_dict().items() if not k.endswith("num_batches_tracked")}
            self.assertIn("features.denseblock1.denselayer1.norm.1.weight", old)
            mt.save(old, path)
            got = models.densenet121(weights=path, num_classes=3)
            self.assertTrue(all(mt.equal(a, b) for a, b in zip(got.parameters(), m.parameters())))

    def test_features(self):
        m = models.resnet18(num_classes=5).eval()
        e = create_feature_extractor(m, {"layer1": "low", "layer3.1.conv2": "high"})
        got = e(self.x)
        self.assertEqual({k: tuple(t.shape) for k, t in got.items()},
                         {"low": (2, 64, 16, 16), "high": (2, 256, 4, 4)})
        x = m.layer1(m.maxpool(m.relu(m.bn1(m.conv1(self.x)))))
        self.assertTrue(mt.equal(got["low"], x))
        self.assertIs(e.layer1, m.layer1)
        ran = []
        handle = m.layer4.register_forward_hook(lambda *a: ran.append(1))
        e(self.x)
        handle.remove()
        self.assertEqual(ran, [], "what is behind the last name does not run")
        other = copy.deepcopy(e)
        with mt.no_grad():
            m.conv1.weight.zero_()
        self.assertTrue(mt.equal(other(self.x)["low"], got["low"]))
        self.assertFalse(mt.equal(e(self.x)["low"], got["low"]))
        e.train()
        e(self.x)["high"].sum().backward()
        self.assertIsNotNone(m.conv1.weight.grad)
        self.assertIsNone(m.fc.weight.grad)
        for names, error in (([], "at least one"), (["layer9"], "layer9"), (["fc", ""], "empty")):
            with self.assertRaisesRegex(Exception, error):
                create_feature_extractor(m, names)

    def test_features_of_a_python_model(self):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.body = models.squeezenet1_1(num_classes=5)
                self.head = nn.Linear(5, 2)

            def forward(self, x):
                return self.head(self.body(x))

        net = Net().eval()
        e = create_feature_extractor(net, ["body.features.3", "head"])
        got = copy.deepcopy(e)(self.x)
        self.assertTrue(mt.equal(got["head"], net(self.x)))
        self.assertEqual(got["body.features.3"].shape, (2, 128, 15, 15))
        self.assertEqual(e(self.x)["head"].shape, (2, 2))

    def test_errors(self):
        for call, error, text in (
                (lambda: models.resnet18(dropout=0.1), TypeError, "unexpected keyword argument 'dropout'"),
                (lambda: models.resnet18(groups=2), ValueError, "BasicBlock only supports"),
                (lambda: models.get_model("resnet17"), ValueError, "Unknown model"),
                (lambda: models.vit_b_16(image_size=100), ValueError, "multiple of the patch size"),
                (lambda: models.mobilenet_v2(width_mult=float("nan")), ValueError, "width_mult"),
                (lambda: models.alexnet(num_classes=-1), ValueError, "num_classes"),
                (lambda: models.alexnet(dropout=1.5), ValueError, "dropout"),
                (lambda: models.resnet50(pretrained=True), ValueError, "path of a file"),
                (lambda: models.vit_b_32()(self.x), RuntimeError, "made for this size"),
                (lambda: models.resnet18()(mt.randn(2, 1, 64, 64)), RuntimeError, "channels")):
            with self.subTest(text), self.assertRaisesRegex(error, text):
                call()
        self.assertIn("resnet18", models.list_models())
        self.assertEqual(len(models.list_models()), len(set(models.list_models())))


@unittest.skipUnless((CHECKPOINTS / "expected.json").is_file(), "the shared checkpoints are not here")
class Pretrained(unittest.TestCase):
    @leak_check.needs("zip", "jpeg", "png")
    def test_logits_and_top_5(self):
        expected = json.loads((CHECKPOINTS / "expected.json").read_text())
        x = mt.load(CHECKPOINTS / "io/input_3x3x224x224.npy")
        want = np.load(CHECKPOINTS / "io/squeezenet1_1_logits.npy")
        prepare = T.Compose([T.Resize(256), T.CenterCrop(224), T.ToTensor(),
                             T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
        images = mt.stack([prepare(io.read_image(str(CHECKPOINTS.parent / "images" / name)))
                           for name in ("china.jpg", "flower.jpg", "chelsea.png")])
        for name in ("squeezenet1_1.pth", "squeezenet1_1_fp16.safetensors"):
            model = models.squeezenet1_1(weights=CHECKPOINTS / name).eval()
            with mt.no_grad():
                got, ours = model(x).numpy(), model(images).numpy()
            print(f"{name}: logits differ by at most {np.abs(got - want).max():.1e}, from the image "
                  f"files {np.abs(ours - want).max():.1e}")
            self.assertLess(np.abs(got - want).max(), 1e-3)
            top = np.argsort(-ours, axis=1)[:, :5]
            np.testing.assert_array_equal(top, np.argsort(-want, axis=1)[:, :5])
        self.assertTrue(expected)


if __name__ == "__main__":
    leak_check.main()
