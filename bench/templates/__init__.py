"""How templates come out: group pictures of strangers, people of a library put into them."""
