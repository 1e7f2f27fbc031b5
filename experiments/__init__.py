"""Runnable applications, one a file: each reads its configuration with Hydra and calls `pinn`."""
