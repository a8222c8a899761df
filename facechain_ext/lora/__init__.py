"""LoRA: inject it into a host's UNet and take it out again, save, read, average and merge it."""
