"""Custody of keys: signers, keystores, passphrases and note keys.

Imports nothing of the product; never contains a key file.
"""
