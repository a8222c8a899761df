"""What Forge patches UNets with."""
