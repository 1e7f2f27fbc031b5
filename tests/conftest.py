"""Every test runs on one thread (OMP_NUM_THREADS says otherwise), without a screen, and leaves settings as they were."""

import os

import matplotlib
import torch

matplotlib.use("Agg")
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
