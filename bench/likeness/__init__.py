"""How like a person the portraits are that a LoRA of five photos makes."""
