"""Data order, step, loop, optimizers, checkpoints, distribution."""
