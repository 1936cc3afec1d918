"""The product over HTTP. No rules of its own: every decision is made below, in `ledger`."""
