"""How garments come out on people who were photographed without them."""
