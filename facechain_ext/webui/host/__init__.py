"""What the hosts inside every webui share."""
