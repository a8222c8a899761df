"""A webui small enough to read: the parts of it that a host of ours touches.

Signatures are the real ones; what they do is done for real where a test can see it: the lock is
fair, pictures are drawn with the checkpoint and the LoRAs that the prompt names.
"""
