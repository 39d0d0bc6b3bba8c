"""Five whole models with their training loops, written for torch and run with any library of its
names: what a ported script looks like. Each gives the losses of its steps from one seed."""
import gzip
import os

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "data")


def digits(torch):
    """8x8 pictures in [0, 1] and labels."""
    with gzip.open(os.path.join(DATA, "digits.csv.gz"), "rt") as f:
        rows = [[float(v) for v in line.split(",")] for line in f]
    return (torch.tensor([r[:64] for r in rows]) / 16,
            torch.tensor([int(r[64]) for r in rows]))


def text(torch):
    """The excerpt as numbers of its letters, and how many letters there are."""
    with open(os.path.join(DATA, "shakespeare.txt")) as f:
        letters = f.read()
    known = sorted(set(letters))
    return torch.tensor([known.index(c) for c in letters]), len(known)


def train(torch, model, optimizer, batch, steps):
    """The losses of `steps` steps on what batch() gives: inputs and targets."""
    losses = []
    model.train()
    for _ in range(steps):
        x, y = batch()
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def batches(torch, x, y, n):
    def batch():
        at = torch.randint(0, x.shape[0], (n,))
        return x[at], y[at]
    return batch


def mlp(torch, steps):
    nn = torch.nn
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.3), nn.Linear(128, 64),
                          nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return train(torch, model, optimizer, batches(torch, *digits(torch), 32), steps)


def lenet(torch, steps):
    nn = torch.nn
    torch.manual_seed(2)
    model = nn.Sequential(nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(),
                          nn.AvgPool2d(2), nn.Conv2d(6, 16, 3), nn.Tanh(), nn.Flatten(),
                          nn.Linear(64, 84), nn.Tanh(), nn.Linear(84, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    return train(torch, model, optimizer, batches(torch, *digits(torch), 32), steps)


def resnet(torch, steps):
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self, before, after, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(after)
            self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(after)
            self.relu = nn.ReLU(inplace=True)
            self.shortcut = nn.Sequential()
            if before != after:
                self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False),
                                              nn.BatchNorm2d(after))

        def forward(self, x):
            out = self.relu(self.bn1(self.conv1(x)))
            out = self.bn2(self.conv2(out)) + self.shortcut(x)
            return self.relu(out)

    torch.manual_seed(3)
    model = nn.Sequential(nn.Unflatten(1, (1, 8, 8)), Block(1, 8, 1), Block(8, 16, 2),
                          nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10))
    # The pictures' empty background is one value, whose last bit may decide in a whole plane at once
    # whether ReLU lets it pass: such steps are rare enough at this rate.
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9, weight_decay=1e-4)
    return train(torch, model, optimizer, batches(torch, *digits(torch), 16), steps)


def lstm(torch, steps):
    """The rows of a picture as a sequence."""
    nn = torch.nn

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(8, 32, num_layers=2, dropout=0.2, batch_first=True)
            self.head = nn.Linear(32, 10)

        def forward(self, x):
            out, (hidden, cell) = self.lstm(x)
            return self.head(out[:, -1])

    torch.manual_seed(4)
    model = Classifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    x, y = digits(torch)
    return train(torch, model, optimizer, batches(torch, x.view(-1, 8, 8), y, 32), steps)


def gpt(torch, steps, length=32):
    nn = torch.nn
    letters, known = text(torch)

    class GPT(nn.Module):
        def __init__(self, width=64, heads=4, layers=2):
            super().__init__()
            self.token = nn.Embedding(known, width)
            self.position = nn.Embedding(length, width)
            self.drop = nn.Dropout(0.1)
            layer = nn.TransformerEncoderLayer(width, heads, 4 * width, 0.1, activation="gelu",
                                               batch_first=True, norm_first=True)
            self.blocks = nn.TransformerEncoder(layer, layers, nn.LayerNorm(width))
            self.head = nn.Linear(width, known, bias=False)
            mask = torch.triu(torch.full((length, length), float("-inf")), diagonal=1)
            self.register_buffer("mask", mask, persistent=False)

        def forward(self, x):
            h = self.drop(self.token(x) + self.position(torch.arange(x.shape[1])))
            return self.head(self.blocks(h, self.mask)).flatten(0, 1)

    def batch():
        starts = torch.randint(0, letters.shape[0] - length - 1, (8,)).tolist()
        x = torch.stack([letters[i:i + length] for i in starts])
        y = torch.stack([letters[i + 1:i + 1 + length] for i in starts])
        return x, y.flatten()

    torch.manual_seed(5)
    model = GPT()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    return train(torch, model, optimizer, batch, steps)


MODELS = {"mlp with dropout": mlp, "lenet": lenet, "resnet blocks": resnet,
          "lstm classifier": lstm, "gpt": gpt}
