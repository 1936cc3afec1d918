"""What ./scripts/bench measures: the product, and beside it plain loops that do the same work without it."""
