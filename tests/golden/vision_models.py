"""What of torchvision's models is compared with goldens, for torch and minitorch alike: checksums of
keys, printed forms and seeded weights of all models of the table, and numbers of a forward and a
training step in float64 of some."""
import binascii

import numpy as np

MODELS = """alexnet convnext_tiny densenet121 efficientnet_b0 mobilenet_v2 mobilenet_v3_large
mobilenet_v3_small resnet101 resnet152 resnet18 resnet34 resnet50 resnext50_32x4d shufflenet_v2_x1_0
squeezenet1_0 squeezenet1_1 vgg11 vgg11_bn vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn vit_b_16
wide_resnet50_2""".split()
# Other options, for their initial values and printed forms.
VARIANTS = {
    "resnet50 dilated": ("resnet50", {"replace_stride_with_dilation": [False, True, True],
                                      "zero_init_residual": True}),
    "mobilenet_v3_small tail": ("mobilenet_v3_small", {"reduced_tail": True, "dilated": True,
                                                       "width_mult": 0.75, "dropout": 0.4}),
    "mobilenet_v2 wide": ("mobilenet_v2", {"width_mult": 1.4}),
    "efficientnet_b5 depth": ("efficientnet_b5", {"stochastic_depth_prob": 0.3}),
    "convnext_tiny scale": ("convnext_tiny", {"layer_scale": 0.5, "stochastic_depth_prob": 0.4}),
    "vit_b_16 pre": ("vit_b_16", {"image_size": 64, "representation_size": 24, "dropout": 0.1}),
    "densenet169 drop": ("densenet169", {"drop_rate": 0.2}),
    "shufflenet_v2_x0_5": ("shufflenet_v2_x0_5", {}),
    "vgg11 plain": ("vgg11", {"init_weights": False}),
}
STEPS = {
    "alexnet": {}, "convnext_tiny": {"stochastic_depth_prob": 0.3, "layer_scale": 0.5},
    "densenet121": {"drop_rate": 0.1}, "efficientnet_b0": {}, "mobilenet_v2": {},
    "mobilenet_v3_small": {}, "resnet18": {}, "resnext50_32x4d": {}, "shufflenet_v2_x1_0": {},
    "squeezenet1_1": {}, "vit_b_16": {"image_size": 32, "dropout": 0.1, "attention_dropout": 0.1},
}


def crc(text, start=0):
    return binascii.crc32(text if isinstance(text, (bytes, memoryview)) else text.encode(), start)


def make(lib, models, name, **options):
    lib.manual_seed(3)
    return getattr(models, name)(num_classes=10, **options)


def checksums(lib, models, name, **options):
    """Of the keys in their order, the printed form, and the weights' bytes."""
    model = make(lib, models, name, **options)
    state = model.state_dict()
    total = 0
    for t in state.values():
        total = crc(memoryview(np.ascontiguousarray(t.numpy()).reshape(-1).view(np.uint8)), total)
    return [crc("\n".join(state)), crc(repr(model)), total]


def step(lib, functional, models, name, **options):
    """(name, a number, what it is relative to) of an eval forward and of a training step."""
    model = make(lib, models, name, **options).double()
    r = np.random.RandomState(5)
    size = options.get("image_size", 64)
    x, target = lib.from_numpy(r.standard_normal((2, 3, size, size))), lib.from_numpy(np.array([3, 8]))
    with lib.no_grad():
        for p in model.parameters():  # no weight is zero, as ViT's last layer is
            p.add_(0.01)
    model.eval()
    with lib.no_grad():
        out = model(x).numpy()
    rows = [(f"out{i}", float(v), float(np.abs(out).max())) for i, v in enumerate(out.reshape(-1))]
    model.train()
    lib.manual_seed(7)
    loss = functional.cross_entropy(model(x), target)
    loss.backward()
    rows.append(("loss", loss.item(), abs(loss.item())))
    for kind, tensors in (("grad", [(k, p.grad) for k, p in model.named_parameters()]),
                          ("buffer", model.named_buffers())):
        tensors = [(k, t.numpy().astype(np.float64).reshape(-1)) for k, t in tensors if t is not None]
        floor = 1e-6 * max((np.abs(t).max() for _, t in tensors), default=0)
        for k, t in tensors:
            weights = np.random.RandomState(crc(k)).standard_normal(t.size)
            rows.append((f"{kind}.{k}", float(t @ weights), max(float(np.linalg.norm(t)), floor)))
    return rows
