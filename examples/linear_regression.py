"""The article's program: a line through the stopping distances of cars. Only the import lines differ
from the article's.

Usage: linear_regression.py [cars.csv [PICTURE_FOLDER]]; with a folder and Matplotlib, it draws the
fit, the loss curve and the graph of one loss there.
"""
import os
import sys

import numpy as np

import minitorch as torch
import minitorch.nn as nn


class LinearRegressionModel(nn.Module):
    def __init__(self, input_dim, output_dim):
        super(LinearRegressionModel, self).__init__()
        self.linear = nn.Linear(input_dim, output_dim)

    def forward(self, x):
        out = self.linear(x)
        return out


def read_cars(path):
    data = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.float32)
    return data[:, :1].copy(), data[:, 1:].copy()


def draw(folder, speed, distance, slope, intercept, losses):
    """SVG pictures: the points with the line, and the loss over the epochs."""
    try:
        import matplotlib
    except ImportError:
        print("no pictures: Matplotlib is not installed")
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    os.makedirs(folder, exist_ok=True)
    figure, axes = plt.subplots(figsize=(6, 4))
    axes.scatter(speed, distance, s=16, label="cars")
    xs = np.array([speed.min(), speed.max()])
    axes.plot(xs, slope * xs + intercept, "r", label=f"{slope:.3f} x {intercept:+.3f}")
    axes.set(xlabel="speed (mph)", ylabel="stopping distance (ft)", title="Linear regression")
    axes.legend()
    figure.savefig(os.path.join(folder, "fit.svg"))
    figure, axes = plt.subplots(figsize=(6, 4))
    axes.plot(range(1, len(losses) + 1), losses)
    axes.set(xlabel="epoch", ylabel="mean squared error", title="Loss", yscale="log")
    figure.savefig(os.path.join(folder, "loss.svg"))
    print(f"pictures: {os.path.join(folder, 'fit.svg')}, {os.path.join(folder, 'loss.svg')}")


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "data", "cars.csv")
    speed, distance = read_cars(path)
    mean, std = speed.mean(), speed.std()
    x_train, y_train = (speed - mean) / std, distance

    torch.manual_seed(0)
    model = LinearRegressionModel(1, 1)
    print(model)

    epochs = 1000
    learning_rate = 0.01
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    loss_fn = nn.MSELoss()
    losses = []

    for epoch in range(epochs):
        epoch += 1
        inputs = torch.from_numpy(x_train)
        labels = torch.from_numpy(y_train)
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = loss_fn(outputs, labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if epoch % 50 == 0:
            print(f"Epoch: {epoch}, Loss: {loss.item()}")

    slope = model.linear.weight.item() / std
    intercept = model.linear.bias.item() - slope * mean
    print(f"distance = {slope:.6f} * speed {intercept:+.6f} "
          "(least squares: 3.932409 * speed -17.579095)")
    if len(sys.argv) > 2:
        draw(sys.argv[2], speed, distance, slope, intercept, losses)
        path = torch.utils.render_graph(loss, os.path.join(sys.argv[2], "graph.svg"), model)
        print(f"graph of the loss: {path}")


if __name__ == "__main__":
    main()
