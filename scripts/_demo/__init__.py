"""The demonstration: real divisions and real records, played against the running product over HTTP."""
