"""Every test runs on one thread, without a screen, and leaves the caller's settings as they were."""

import matplotlib
import torch

matplotlib.use("Agg")
torch.set_num_threads(1)
