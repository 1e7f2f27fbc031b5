"""Every test runs on one thread (or OMP_NUM_THREADS of them), without a screen, and leaves settings as they were."""

import os

import matplotlib
import torch

matplotlib.use("Agg")
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
