"""Flags that are called otherwise than the fields that they set."""

TRAINING = {"max_train_steps": "--steps", "train_batch_size": "--batch-size"}
DRAWING = {"count": "-n/--count", "negative_prompt": "--negative", "sampler_name": "--sampler"}
