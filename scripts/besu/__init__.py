"""Writes the configuration of a Hyperledger Besu network under QBFT: ./scripts/besu/generate --help"""
