"""The product: what it does, over a host, the nets and the library."""
