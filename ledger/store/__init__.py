"""What is kept off the chain: the read model, the queue, documents and payloads."""
