"""The page's part for portraits that speak."""
