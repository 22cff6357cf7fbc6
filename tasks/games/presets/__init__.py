"""Games as the command line sees them."""
